import { lineChart } from './line-chart.ts';

interface Moment {
  readonly seconds: number;
}

type Row = readonly [number, number, number, number, number, number, number?];

/** What the results keep of a run and a picture needs. */
export interface DrawnRun {
  readonly title: string;
  readonly memory: string;
  readonly markBytes: number;
  readonly stages: readonly (Moment & { readonly stage: string })[];
  readonly steps: readonly (Moment & { readonly step: string })[];
  /**
   * Seconds, files, chunks embedded; MB: resident sets added up, shared pages counted once, the parent's resident set, and
   * read so far.
   */
  readonly curve: readonly Row[];
}

/** More of them hide each other. */
const MAX_STEPS = 40;
/** Of fewer files the curve goes by what is read of them. */
const FEW_FILES = 100;

/** Memory over the lexical lane, and where both lanes ran over time as well, by file name. */
export async function drawRun(name: string, run: DrawnRun): Promise<Record<string, string>> {
  const end = run.stages.find(({ stage }) => stage === 'semantic')?.seconds ?? Number.POSITIVE_INFINITY;
  const lexical = run.curve.filter(([seconds]) => seconds <= end);
  const [, files, , , , , megabytes] = run.curve.at(-1)!;
  const over: Over =
    files < FEW_FILES && megabytes !== undefined
      ? { title: 'MB read', x: ([, , , , , , megabytes]) => megabytes! }
      : { title: 'files', x: ([, files]) => files };
  const pictures = { [`rss-${name}.svg`]: await draw(run, lexical, over) };
  if (run.stages.some(({ stage }) => stage === 'semantic'))
    pictures[`rss-${name}-minutes.svg`] = await draw(run, run.curve, {
      title: 'minutes',
      x: ([seconds]) => seconds / 60,
    });
  return pictures;
}

/** What a curve goes along. */
interface Over {
  readonly title: string;
  readonly x: (row: Row) => number;
}

async function draw(
  { title, memory, markBytes, stages, steps }: DrawnRun,
  curve: readonly Row[],
  over: Over,
): Promise<string> {
  const points = (value: (row: Row) => number) => curve.map((row) => [over.x(row), value(row)] as const);
  /** Of the first point from there on. */
  const xAt = (seconds: number) => over.x(curve.find((row) => row[0] >= seconds) ?? curve.at(-1)!);
  const last = curve.at(-1)?.[0] ?? 0;
  const events = [
    ...stages.map(({ stage, seconds }) => ({ seconds, label: stage })),
    ...steps.slice(0, MAX_STEPS).map(({ step, seconds }) => ({ seconds, label: step })),
  ];
  return lineChart({
    title: `${title}: memory of all processes, --memory ${memory}`,
    xTitle: over.title,
    yTitle: 'MB',
    series: [
      { name: 'all, shared pages once', points: points((row) => row[4]) },
      { name: 'all, added up', points: points((row) => row[3]) },
      { name: 'the process that indexes', points: points((row) => row[5]) },
      { name: 'the others', points: points((row) => row[3] - row[5]) },
    ],
    mark: { value: markBytes / 1e6, label: `the mark: ${memory}` },
    events: events
      .filter(({ seconds }) => seconds <= last)
      .map(({ label, seconds }) => ({ x: xAt(seconds), label })),
  });
}
