/** Draws from a seeded generator, see `seeded` in chunking.ts. */
export class Draw {
  readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  /** An integer in [0, below). */
  below(below: number): number {
    return Math.floor(this.random() * below);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** An integer in [from, to], small ones as likely as large ones by their order of magnitude. */
  magnitude(from: number, to: number): number {
    return Math.round(from * (to / from) ** this.random());
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** A range of `length` units, of a size of any magnitude. */
  range(length: number, largest = length): [number, number] {
    const size = Math.min(length, this.magnitude(1, Math.max(1, largest)));
    const start = this.below(length - size + 1);
    return [start, start + size];
  }
}
