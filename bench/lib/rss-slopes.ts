import { mean } from './retrieval-metric.ts';
import { level, slope, type Trend, trend } from './slope.ts';

/** What is known of a run at a moment. */
export interface Moment {
  readonly seconds: number;
  readonly files: number;
  /** Bytes. */
  readonly rss: number;
}

/** The heaps fill over the first files; from here on memory has to be flat. */
const WARM_PART = 0.1;
const STRETCHES = 200;
const LEAST_POINTS = 10;
const MB = 1e6;

/**
 * Bytes by 10,000 units of progress after the warm-up. Of resident sets, as shares of pages rise when another process ends;
 * and of equal stretches of progress: a large file counts no more than a small one.
 */
export function slopeByProgress<Sample extends Moment>(
  samples: readonly Sample[],
  progress: (sample: Sample) => number,
  warmPart = WARM_PART,
): Trend | null {
  return slopeOver(stretches(samples, { along: progress, x: progress, y: ({ rss }) => rss, warmPart }));
}

/** The same of equal stretches of time: a file counts for as long as it takes. */
export function slopeByTime<Sample extends Moment>(
  samples: readonly Sample[],
  progress: (sample: Sample) => number,
  warmPart = WARM_PART,
): Trend | null {
  const along = ({ seconds }: Sample) => seconds;
  return slopeOver(stretches(samples, { along, x: progress, y: ({ rss }) => rss, warmPart }));
}

/**
 * Bytes by 10,000 files of a tree that holds the same files twice: what the second copy has taken more than the first, file
 * for file. So it does not matter where in the tree the large files lie.
 */
export function slopeBetweenCopies<Sample extends Moment>(samples: readonly Sample[]): Trend | null {
  const half = samples.at(-1)!.files / 2;
  const parts = Array.from({ length: STRETCHES / 2 }, () => ({
    first: [] as number[],
    second: [] as number[],
  }));
  for (const { files, rss } of samples) {
    const second = files >= half;
    const place = Math.floor(((files - (second ? half : 0)) / half) * parts.length);
    const part = parts[Math.min(place, parts.length - 1)]!;
    (second ? part.second : part.first).push(rss);
  }
  const more = parts
    .slice(parts.length * WARM_PART)
    .filter(({ first, second }) => first.length > 0 && second.length > 0)
    .map(({ first, second }) => mean(second) - mean(first));
  if (more.length < LEAST_POINTS) return null;
  const found = level(more);
  const by = 10_000 / half;
  return { slope: found.mean * by, low: found.low * by, high: found.high * by };
}

/** Of CPU time as a power of what is done: 1 is linear. The clock would tell of other processes, too. */
export function exponentOf<Sample extends { readonly cpu: number }>(
  samples: readonly Sample[],
  progress: (sample: Sample) => number,
): number | null {
  const points = stretches(samples, {
    along: progress,
    x: progress,
    y: ({ cpu }) => cpu,
    warmPart: WARM_PART,
  });
  return slope(points.map(([done, cpu]) => [Math.log(done), Math.log(cpu)] as const));
}

/** As text, in MB with the 95 % interval. */
export function perFiles(found: Trend | null): string {
  const mb = (bytes: number) => (bytes / MB).toFixed(2);
  return found === null ? '-' : `${mb(found.slope)} (${mb(found.low)} to ${mb(found.high)})`;
}

const slopeOver = (points: readonly (readonly [number, number])[]): Trend | null =>
  points.length < LEAST_POINTS ? null : trend(points.map(([done, bytes]) => [done / 10_000, bytes] as const));

/** Means over equal stretches after the warm-up. */
function stretches<Sample>(
  samples: readonly Sample[],
  {
    along,
    x,
    y,
    warmPart,
  }: {
    readonly along: (sample: Sample) => number;
    readonly x: (sample: Sample) => number;
    readonly y: (sample: Sample) => number;
    readonly warmPart: number;
  },
): (readonly [number, number])[] {
  const [all, allDone] = [along(samples.at(-1)!), x(samples.at(-1)!)];
  const found = Array.from({ length: STRETCHES }, () => [] as Sample[]);
  for (const sample of samples)
    if (x(sample) / allDone >= warmPart)
      found[Math.min(STRETCHES - 1, Math.floor((along(sample) / all) * STRETCHES))]!.push(sample);
  return found.flatMap((of) => (of.length === 0 ? [] : [[mean(of.map(x)), mean(of.map(y))] as const]));
}
