import { SingleBar } from 'cli-progress';
import { formatSize } from '../memory/size.ts';
import type { IndexEvent } from '../pipeline/events.ts';
import { printable } from './output.ts';

/** Shows how an update goes. */
export interface Progress {
  show(event: IndexEvent): void;
  /** Writes a line that stays. */
  note(line: string): void;
  stop(): void;
}

type ProgressEvent = Extract<IndexEvent, { type: 'progress' }>;
type StepEvent = Extract<IndexEvent, { type: 'degraded' | 'recovered' }>;
type DownloadEvent = Extract<IndexEvent, { type: 'download' }>;
const UNIT = { lexical: 'files', semantic: 'chunks' } as const;
const TITLE = { lexical: 'reading  ', semantic: 'embedding' } as const;
const CLEAR_LINE = '\r\u001b[K';
const LOG_EVERY_MS = 10_000;
const RATE_WINDOW_MS = 15_000;

/** Bars where stderr is a terminal, else a plain line now and then. */
export function createProgress(): Progress {
  return process.stderr.isTTY ? new Bars() : new Lines();
}

/** Rate over the last seconds: an average since the start would hide that it slows down. */
class Rate {
  readonly #samples: { time: number; done: number }[] = [];

  add(done: number): void {
    const time = performance.now();
    this.#samples.push({ time, done });
    while (this.#samples.length > 2 && time - this.#samples[0]!.time > RATE_WINDOW_MS) this.#samples.shift();
  }

  /** Per second. */
  get value(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.time === first.time) return 0;
    return ((last.done - first.done) * 1000) / (last.time - first.time);
  }
}

function describe({ lane, done, total, bytes }: ProgressEvent, rate: number): string {
  const of = total === null ? '' : `/${total}`;
  const size = lane === 'lexical' ? `, ${formatSize(bytes)}` : '';
  return `${done}${of} ${UNIT[lane]}${size}, ${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s${left(done, total, rate)}`;
}

function describeStep({ type, step, reason }: StepEvent): string {
  return printable(type === 'degraded' ? `${step}: ${reason}` : `${step} taken back: ${reason}`);
}

function describeDownload({ model, doneBytes, totalBytes, waiting }: DownloadEvent): string {
  const size = totalBytes === 0 ? '' : `: ${formatSize(doneBytes)} of ${formatSize(totalBytes)}`;
  return printable(`downloading ${model}${size}${waiting === null ? '' : `, waiting: ${waiting}`}`);
}

function left(done: number, total: number | null, rate: number): string {
  if (total === null || rate === 0 || total <= done) return '';
  const seconds = Math.round((total - done) / rate);
  const parts =
    seconds >= 3600
      ? [Math.floor(seconds / 3600), 'h ', Math.floor((seconds % 3600) / 60), 'min']
      : seconds >= 90
        ? [Math.round(seconds / 60), 'min']
        : [seconds, 's'];
  return `, about ${parts.join('')} left`;
}

class Bars implements Progress {
  #bar: SingleBar | null = null;
  #hasText = false;
  #rate = new Rate();

  show(event: IndexEvent): void {
    if (event.type === 'start') {
      this.stop();
      this.#rate = new Rate();
      this.#bar = new SingleBar({
        stream: process.stderr,
        format: `${TITLE[event.lane]} {bar} {text}`,
        barsize: 24,
        hideCursor: true,
        clearOnComplete: true,
        fps: 5,
        gracefulExit: false,
      });
      this.#bar.start(1, 0, { text: '' });
    } else if (event.type === 'progress') {
      this.#rate.add(event.done);
      this.#bar?.setTotal(event.total ?? Math.max(1, event.done * 2));
      this.#bar?.update(event.done, { text: describe(event, this.#rate.value) });
    } else if (event.type === 'degraded' || event.type === 'recovered') {
      this.note(describeStep(event));
    } else if (event.type === 'maintenance') {
      this.stop();
      this.#say('building the search indexes ...');
    } else if (event.type === 'download') {
      this.#say(describeDownload(event));
    } else if (event.type === 'done') {
      this.stop();
    }
  }

  /** A line that the next one takes the place of. */
  #say(line: string): void {
    process.stderr.write(`${CLEAR_LINE}${line}`);
    this.#hasText = true;
  }

  note(line: string): void {
    // The bar is drawn anew below it.
    process.stderr.write(`${CLEAR_LINE}${line}\n`);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
    if (this.#hasText) process.stderr.write(CLEAR_LINE);
    this.#hasText = false;
  }
}

class Lines implements Progress {
  #rate = new Rate();
  #last = performance.now();
  /** Why the download last stood still; undefined before the first. */
  #waiting: string | null | undefined;

  show(event: IndexEvent): void {
    if (event.type === 'start') {
      this.#rate = new Rate();
    } else if (event.type === 'progress') {
      this.#rate.add(event.done);
      if (performance.now() - this.#last < LOG_EVERY_MS) return;
      this.#last = performance.now();
      process.stderr.write(`${TITLE[event.lane].trim()}: ${describe(event, this.#rate.value)}\n`);
    } else if (event.type === 'download') {
      // The beginning, the end, and where it stands still are told in any case.
      const early = performance.now() - this.#last < LOG_EVERY_MS && event.waiting === this.#waiting;
      if (early && this.#waiting !== undefined && event.doneBytes < event.totalBytes) return;
      this.#last = performance.now();
      this.#waiting = event.waiting;
      process.stderr.write(`${describeDownload(event)}\n`);
    } else if (event.type === 'degraded' || event.type === 'recovered') {
      this.note(describeStep(event));
    }
  }

  note(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  stop(): void {}
}
