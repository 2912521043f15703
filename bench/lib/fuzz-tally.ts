import type { FuzzMessage } from './fuzz-child.ts';
import { table } from './table.ts';

type Ended = Extract<FuzzMessage, { type: 'ends' }>;

interface Failure {
  readonly index: number;
  readonly language: string;
  readonly invariant: string;
  readonly message: string;
  readonly folder: string;
}

interface LanguageRow {
  inputs: number;
  bytes: number;
  seconds: number;
  /** Inputs that were cut by lines, by reason. */
  readonly lexical: Record<string, number>;
  failures: number;
  largestChunkBytes: number;
  /** Of inputs of a tenth of a second at least, the most seconds a megabyte. */
  slowest: { secondsPerMb: number; seconds: number; bytes: number; index: number; recipe: string };
}

/** The first part of a process's life fills caches and loads parsers. */
const WARM_UP = 0.25;

/** Adds up a fuzz run. */
export class FuzzTally {
  readonly #rows = new Map<string, LanguageRow>();
  readonly #failures: Failure[] = [];
  readonly #expected: ReadonlySet<string>;
  /** By process: number of the input, resident bytes. */
  readonly #rss: [number, number][][] = [];
  readonly #started = performance.now();

  constructor(expected: ReadonlySet<string>) {
    this.#expected = expected;
  }

  get languages(): number {
    return this.#expected.size;
  }

  get failures(): number {
    return this.#failures.length;
  }

  newProcess(): void {
    this.#rss.push([]);
  }

  add({ index, bytes, recipe, outcome, broken, rssBytes }: Ended): void {
    const language = outcome.language ?? 'none';
    const row = this.#row(language);
    row.inputs++;
    row.bytes += bytes;
    row.seconds += outcome.seconds;
    row.largestChunkBytes = Math.max(row.largestChunkBytes, outcome.largestBytes);
    const reason = outcome.report?.lexical?.reason;
    if (reason !== undefined) row.lexical[reason] = (row.lexical[reason] ?? 0) + 1;
    const secondsPerMb = outcome.seconds / (bytes / 1e6);
    if (outcome.seconds > 0.1 && secondsPerMb > row.slowest.secondsPerMb) {
      row.slowest = { secondsPerMb, seconds: outcome.seconds, bytes, index, recipe: recipe.join(', ') };
    }
    if (rssBytes !== null) this.#rss.at(-1)!.push([index, rssBytes]);
    if (broken !== null) {
      row.failures++;
      this.#failures.push({ index, language, ...broken });
      console.log(`input ${index} (${language}, ${bytes} bytes): ${broken.message}\n  ${broken.folder}`);
    }
  }

  processDied(failure: Omit<Failure, 'language' | 'invariant'> & { path: string }): void {
    const { path, ...rest } = failure;
    this.#failures.push({ ...rest, language: path, invariant: 'process dies' });
    console.log(`input ${failure.index}: the process ${failure.message}\n  ${failure.folder}`);
  }

  results() {
    const rows = [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      seconds: Math.round((performance.now() - this.#started) / 1000),
      inputs: rows.reduce((sum, [, row]) => sum + row.inputs, 0),
      bytes: rows.reduce((sum, [, row]) => sum + row.bytes, 0),
      languagesNotSeen: [...this.#expected].filter((name) => !this.#rows.has(name)),
      processes: this.#rss.length,
      rss: this.#slope(),
      failures: this.#failures,
      languages: Object.fromEntries(rows),
    };
  }

  report(): string {
    const results = this.results();
    const head = [
      'language',
      'inputs',
      'MB',
      's/MB',
      'cut by lines',
      'failures',
      'largest chunk',
      'slowest s/MB',
      'of KB',
      'input',
    ];
    const rows = Object.entries(results.languages).map(([name, row]) => [
      name,
      row.inputs,
      round(row.bytes / 1e6, 1),
      round(row.seconds / (row.bytes / 1e6), 2),
      Object.entries(row.lexical)
        .map(([reason, n]) => `${reason} ${n}`)
        .join(', '),
      row.failures,
      row.largestChunkBytes,
      round(row.slowest.secondsPerMb, 1),
      round(row.slowest.bytes / 1e3, 0),
      row.slowest.index,
    ]);
    const { rss } = results;
    return [
      table([head, ...rows]),
      '',
      `${results.inputs} inputs, ${round(results.bytes / 1e6, 0)} MB in ${results.seconds} s; ${results.processes} processes`,
      rss === null
        ? 'resident set: too few samples'
        : `resident set: ${round(rss.firstBytes / 1e6, 0)} MB after warm-up, ${round(rss.slopeBytes / 1e6, 1)} MB more for each 10,000 inputs`,
      `failures: ${results.failures.length}`,
    ].join('\n');
  }

  #row(language: string): LanguageRow {
    let row = this.#rows.get(language);
    if (row === undefined) {
      row = {
        inputs: 0,
        bytes: 0,
        seconds: 0,
        lexical: {},
        failures: 0,
        largestChunkBytes: 0,
        slowest: { secondsPerMb: 0, seconds: 0, bytes: 0, index: -1, recipe: '' },
      };
      this.#rows.set(language, row);
    }
    return row;
  }

  /** Least squares over the samples of the process that lived longest, without its warm-up. */
  #slope(): { firstBytes: number; peakBytes: number; slopeBytes: number; samples: number } | null {
    const all = this.#rss.reduce((best, samples) => (samples.length > best.length ? samples : best), []);
    const samples = all.slice(Math.floor(all.length * WARM_UP));
    if (samples.length < 5) return null;
    const mean = (i: 0 | 1) => samples.reduce((sum, sample) => sum + sample[i], 0) / samples.length;
    const [x, y] = [mean(0), mean(1)];
    const over = samples.reduce((sum, sample) => sum + (sample[0] - x) * (sample[1] - y), 0);
    const under = samples.reduce((sum, sample) => sum + (sample[0] - x) ** 2, 0);
    return {
      firstBytes: samples[0]![1],
      peakBytes: Math.max(...all.map(([, bytes]) => bytes)),
      slopeBytes: (over / under) * 10_000,
      samples: samples.length,
    };
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
