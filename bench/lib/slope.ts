/** The slope of the line that is nearest to the points (least squares); null where there are fewer than two. */
export function slope(points: readonly (readonly [number, number])[]): number | null {
  if (points.length < 2) return null;
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const x = mean(points.map((p) => p[0]));
  const y = mean(points.map((p) => p[1]));
  const above = points.reduce((sum, p) => sum + (p[0] - x) * (p[1] - y), 0);
  return above / points.reduce((sum, p) => sum + (p[0] - x) ** 2, 0);
}

export interface Trend {
  readonly slope: number;
  /** Ends of the interval that holds the slope with 95 % confidence. */
  readonly low: number;
  readonly high: number;
}

/**
 * The slope of points at equal distances, with its confidence interval. Samples of one process follow each other, so
 * they count for as many as would be independent (Santer et al. 2000, https://doi.org/10.1029/1999JD901105, eq. 6).
 */
export function trend(points: readonly (readonly [number, number])[]): Trend {
  const b = slope(points) ?? Number.NaN;
  const x = points.reduce((sum, p) => sum + p[0], 0) / points.length;
  const y = points.reduce((sum, p) => sum + p[1], 0) / points.length;
  const residuals = points.map((p) => p[1] - y - b * (p[0] - x));
  const { squares, count } = independent(residuals);
  const degrees = Math.max(1, count - 2);
  const spread = Math.sqrt(squares / degrees / points.reduce((sum, p) => sum + (p[0] - x) ** 2, 0));
  const half = squares === 0 ? 0 : studentT95(degrees) * spread;
  return { slope: b, low: b - half, high: b + half };
}

/** The mean of values at equal distances, with its confidence interval: as {@link trend}. */
export function level(values: readonly number[]): { mean: number; low: number; high: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const { squares, count } = independent(values.map((value) => value - mean));
  const degrees = Math.max(1, count - 1);
  const half = squares === 0 ? 0 : studentT95(degrees) * Math.sqrt(squares / values.length / degrees);
  return { mean, low: mean - half, high: mean + half };
}

/** The sum of the squares, and how many of the residuals are independent of the one before. */
function independent(residuals: readonly number[]): { squares: number; count: number } {
  const squares = residuals.reduce((sum, e) => sum + e * e, 0);
  const lagged = residuals.slice(1).reduce((sum, e, i) => sum + e * residuals[i]!, 0);
  const r = squares === 0 ? 0 : Math.max(0, lagged / squares);
  return { squares, count: (residuals.length * (1 - r)) / (1 + r) };
}

/** Two-sided 95 % quantile of Student's t (Abramowitz and Stegun 26.7.5; exact where it is bad, at 1 and 2). */
function studentT95(degrees: number): number {
  if (degrees < 2) return 12.706;
  if (degrees < 3) return 4.303;
  const z = 1.959964;
  const [z3, z5, z7] = [z ** 3, z ** 5, z ** 7];
  return (
    z +
    (z3 + z) / (4 * degrees) +
    (5 * z5 + 16 * z3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * degrees ** 3)
  );
}
