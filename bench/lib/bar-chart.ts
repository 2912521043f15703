import { parse, type Spec, View } from 'vega';

export interface Bar {
  readonly group: string;
  readonly name: string;
  readonly value: number;
}

/** Draws bars in groups along a common x axis as an SVG document; bars of one name have one colour. */
export async function barChart(options: {
  readonly title: string;
  readonly yTitle: string;
  readonly bars: readonly Bar[];
}): Promise<string> {
  const names = [...new Set(options.bars.map(({ name }) => name))];
  const spec: Spec = {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    width: 720,
    height: 260,
    padding: 8,
    background: 'white',
    title: { text: options.title, anchor: 'start' },
    data: [{ name: 'bars', values: [...options.bars] }],
    scales: [
      {
        name: 'group',
        type: 'band',
        range: 'width',
        domain: { data: 'bars', field: 'group' },
        paddingInner: 0.2,
        paddingOuter: 0.1,
      },
      {
        name: 'y',
        type: 'linear',
        range: 'height',
        zero: true,
        nice: true,
        domain: { data: 'bars', field: 'value' },
      },
      { name: 'color', type: 'ordinal', range: 'category', domain: names },
    ],
    axes: [
      { orient: 'bottom', scale: 'group' },
      { orient: 'left', scale: 'y', title: options.yTitle, grid: true, gridOpacity: 0.4 },
    ],
    legends: [{ fill: 'color', orient: 'bottom', columns: 3, labelLimit: 280 }],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'facet', data: 'bars', groupby: 'group' } },
        encode: {
          enter: { x: { scale: 'group', field: 'group' }, width: { scale: 'group', band: 1 } },
        },
        signals: [{ name: 'width', update: "bandwidth('group')" }],
        scales: [{ name: 'position', type: 'band', range: 'width', domain: names }],
        marks: [
          {
            type: 'rect',
            from: { data: 'facet' },
            encode: {
              enter: {
                x: { scale: 'position', field: 'name' },
                width: { scale: 'position', band: 1 },
                y: { scale: 'y', field: 'value' },
                y2: { scale: 'y', value: 0 },
                fill: { scale: 'color', field: 'name' },
              },
            },
          },
        ],
      },
    ],
  };
  const view = new View(parse(spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
