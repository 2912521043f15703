import type { JudgedQuery, JudgedRepo, Target } from './quality-set.ts';

/** Hits that count. */
export const DEPTH = 10;

export interface FoundPlace {
  /** Relative to the folder that is indexed. */
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
}

export interface Score {
  readonly ndcg: number;
  readonly recall: number;
  /** Reciprocal rank of the first hit that is right. */
  readonly rr: number;
}

/** As the authors of the benchmark compute it: each target counts at the first hit that covers it. */
export function judge({ folder }: JudgedRepo, { targets }: JudgedQuery, hits: readonly FoundPlace[]): Score {
  const places = hits
    .slice(0, DEPTH)
    .map((hit) => (folder === '' ? hit : { ...hit, path: `${folder}/${hit.path}` }));
  const ranks = targets.map((target) => places.findIndex((place) => covers(place, target)) + 1);
  const found = ranks.filter((rank) => rank > 0);
  const gain = (rank: number) => 1 / Math.log2(rank + 1);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const ideal = Array.from({ length: Math.min(DEPTH, targets.length) }, (_, i) => gain(i + 1));
  return {
    ndcg: sum(found.map(gain)) / sum(ideal),
    recall: found.length / targets.length,
    rr: found.length === 0 ? 0 : 1 / Math.min(...found),
  };
}

function covers(place: FoundPlace, target: Target): boolean {
  const [a, b] = [place.path, target.path];
  if (a !== b && !a.endsWith(`/${b}`) && !b.endsWith(`/${a}`)) return false;
  if (target.start_line === undefined) return true;
  return place.startLine <= target.end_line! && place.endLine >= target.start_line;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / (values.length || 1);

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
