import { lineChart } from './line-chart.ts';

interface Moment {
  readonly seconds: number;
  readonly files: number;
}

/** What the results keep of a run and a picture needs. */
export interface DrawnRun {
  readonly title: string;
  readonly memory: string;
  readonly markBytes: number;
  readonly stages: readonly (Moment & { readonly stage: string })[];
  readonly steps: readonly (Moment & { readonly step: string })[];
  /** Seconds, files, chunks embedded; MB: resident sets added up, shared pages counted once, the parent's resident set. */
  readonly curve: readonly (readonly [number, number, number, number, number, number])[];
}

/** More of them hide each other. */
const MAX_STEPS = 40;

/** Resident sets over the files of the lexical lane, and where both lanes ran over time as well, by file name. */
export async function drawRun(name: string, run: DrawnRun): Promise<Record<string, string>> {
  const end = run.stages.find(({ stage }) => stage === 'semantic')?.seconds ?? Number.POSITIVE_INFINITY;
  const lexical = run.curve.filter(([seconds]) => seconds <= end);
  const pictures = { [`rss-${name}.svg`]: await draw(run, lexical, 'files', ({ files }) => files) };
  if (run.stages.some(({ stage }) => stage === 'semantic'))
    pictures[`rss-${name}-minutes.svg`] = await draw(
      run,
      run.curve,
      'minutes',
      ({ seconds }) => seconds / 60,
    );
  return pictures;
}

async function draw(
  { title, memory, markBytes, stages, steps }: DrawnRun,
  curve: DrawnRun['curve'],
  xTitle: 'files' | 'minutes',
  x: (moment: Moment) => number,
): Promise<string> {
  const points = (value: (row: DrawnRun['curve'][number]) => number) =>
    curve.map((row) => [x({ seconds: row[0], files: row[1] }), value(row)] as const);
  const last = curve.at(-1)?.[0] ?? 0;
  const events = [
    ...stages.map(({ stage, ...moment }) => ({ ...moment, label: stage })),
    ...steps.slice(0, MAX_STEPS).map(({ step, ...moment }) => ({ ...moment, label: step })),
  ];
  return lineChart({
    title: `${title}: memory of all processes, --memory ${memory}`,
    xTitle,
    yTitle: 'MB',
    series: [
      { name: 'all, added up', points: points((row) => row[3]) },
      { name: 'the process that indexes', points: points((row) => row[5]) },
      { name: 'the others', points: points((row) => row[3] - row[5]) },
    ],
    mark: { value: markBytes / 1e6, label: `the mark: ${memory}` },
    events: events
      .filter(({ seconds }) => seconds <= last)
      .map(({ label, ...moment }) => ({ x: x(moment), label })),
  });
}
