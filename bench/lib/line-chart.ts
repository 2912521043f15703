import { type Mark, parse, type Spec, View } from 'vega';

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

/** Draws lines over a common x axis, with a dashed rule at `mark` where there is one, as an SVG document. */
export async function lineChart(options: {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly series: readonly Series[];
  readonly mark?: { readonly value: number; readonly label: string };
  /** What happened, and where on the x axis. */
  readonly events?: readonly { readonly x: number; readonly label: string }[];
}): Promise<string> {
  const { events = [], mark } = options;
  const values = options.series.flatMap(({ name, points }) => points.map(([x, y]) => ({ name, x, y })));
  const spec: Spec = {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    width: 640,
    height: 260,
    padding: 8,
    background: 'white',
    title: { text: options.title, anchor: 'start' },
    data: [{ name: 'points', values }],
    scales: [
      { name: 'x', type: 'linear', range: 'width', domain: { data: 'points', field: 'x' }, nice: true },
      {
        name: 'y',
        type: 'linear',
        range: 'height',
        zero: true,
        nice: true,
        domain: [0, Math.max(mark?.value ?? 0, ...values.map(({ y }) => y)) * 1.05],
      },
      { name: 'color', type: 'ordinal', range: 'category', domain: options.series.map(({ name }) => name) },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: options.xTitle, grid: true, gridOpacity: 0.4 },
      { orient: 'left', scale: 'y', title: options.yTitle, grid: true, gridOpacity: 0.4 },
    ],
    legends: [{ stroke: 'color', symbolType: 'stroke', orient: 'bottom', columns: 4, labelLimit: 240 }],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'lines', data: 'points', groupby: 'name' } },
        marks: [
          {
            type: 'line',
            from: { data: 'lines' },
            encode: {
              enter: {
                x: { scale: 'x', field: 'x' },
                y: { scale: 'y', field: 'y' },
                stroke: { scale: 'color', field: 'name' },
                strokeWidth: { value: 1.5 },
              },
            },
          },
        ],
      },
      ...(mark === undefined ? [] : ruleAt(mark)),
      ...events.flatMap(eventAt),
    ],
  };
  const view = new View(parse(spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

function eventAt({ x, label }: { readonly x: number; readonly label: string }): Mark[] {
  const at = { scale: 'x', value: x };
  return [
    {
      type: 'rule',
      encode: {
        enter: {
          x: at,
          y: { value: 0 },
          y2: { field: { group: 'height' } },
          stroke: { value: '#999' },
          strokeDash: { value: [2, 3] },
        },
      },
    },
    {
      type: 'text',
      encode: {
        enter: {
          x: { ...at, offset: -3 },
          y: { field: { group: 'height' }, offset: -4 },
          angle: { value: -90 },
          fontSize: { value: 9 },
          text: { value: label },
          fill: { value: '#666' },
        },
      },
    },
  ];
}

function ruleAt({ value, label }: { readonly value: number; readonly label: string }): Mark[] {
  return [
    {
      type: 'rule',
      encode: {
        enter: {
          x: { value: 0 },
          x2: { field: { group: 'width' } },
          y: { scale: 'y', value },
          stroke: { value: '#c00' },
          strokeDash: { value: [6, 4] },
        },
      },
    },
    {
      type: 'text',
      encode: {
        enter: {
          x: { value: 4 },
          y: { scale: 'y', value, offset: -4 },
          text: { value: label },
          fill: { value: '#c00' },
        },
      },
    },
  ];
}
