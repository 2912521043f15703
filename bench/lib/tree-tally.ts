import { join } from 'node:path';
import { CoverageCheck } from './coverage.ts';

export interface Fallback {
  readonly path: string;
  readonly reason: string;
  readonly fromByte: number;
}

/** Reads what lib/kernel-child.ts says about the files of a tree, and checks each against the file itself. */
export class TreeTally {
  readonly #root: string;
  readonly #open = new Map<string, { path: string; check: CoverageCheck }>();
  files = 0;
  bytes = 0;
  chunks = 0;
  readonly paths = new Set<string>();
  readonly binaries: string[] = [];
  readonly skipped: { path: string; reason: string }[] = [];
  readonly fallbacks: Fallback[] = [];
  /** Files with bytes that are no white space and in no chunk, or with chunks out of order. */
  readonly faults: { path: string; at: number; missed: number }[] = [];
  readonly languages: Record<string, { files: number; bytes: number; chunks: number }> = {};

  constructor(root: string) {
    this.#root = root;
  }

  line(line: string): void {
    const [type, ...fields] = line.split('\t') as [string, ...string[]];
    if (type === 'S') this.#skip(JSON.parse(fields[0]!) as string, fields[1]!);
    else if (type === 'F') this.#begin(fields);
    else if (type === 'C') this.#chunks(fields);
    else this.#end(fields);
  }

  /** Files that were begun and not ended: there are none where all went well. */
  get unfinished(): string[] {
    return [...this.#open.values()].map(({ path }) => path);
  }

  #skip(path: string, reason: string): void {
    this.paths.add(path);
    this.skipped.push({ path, reason });
    for (const [number, file] of this.#open) {
      if (file.path !== path) continue;
      file.check.close();
      this.#open.delete(number);
    }
  }

  #begin([number, json]: string[]): void {
    const path = JSON.parse(json!) as string;
    this.#open.set(number!, { path, check: new CoverageCheck(join(this.#root, path)) });
  }

  #chunks([number, ...ends]: string[]): void {
    const { check } = this.#open.get(number!)!;
    for (let i = 0; i < ends.length; i += 2) check.add(Number(ends[i]), Number(ends[i + 1]));
  }

  #end([number, bytes, language, binary, reason, fromByte]: string[]): void {
    const { path, check } = this.#open.get(number!)!;
    this.#open.delete(number!);
    this.paths.add(path);
    this.files++;
    this.bytes += Number(bytes);
    this.chunks += check.chunks;
    if (binary === '1') this.binaries.push(path);
    else {
      const size = check.finish();
      if (!check.ok || size !== Number(bytes)) {
        this.faults.push({ path, at: check.firstFault ?? size, missed: check.missed });
      }
    }
    if (reason !== '') this.fallbacks.push({ path, reason: reason!, fromByte: Number(fromByte) });
    this.languages[language || 'text'] ??= { files: 0, bytes: 0, chunks: 0 };
    const sum = this.languages[language || 'text']!;
    sum.files++;
    sum.bytes += Number(bytes);
    sum.chunks += check.chunks;
    check.close();
  }
}
