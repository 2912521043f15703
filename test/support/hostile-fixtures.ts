import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { WINDOW_BYTES } from '../../src/chunk/chunk-source.ts';
import { type FuzzCase, USUAL_TOKENS } from './fuzz-case.ts';

const FOLDER = new URL('../fixtures/hostile/', import.meta.url);

/** An input that once broke an invariant; `hostile.json` lists them. */
export interface HostileFixture {
  readonly file: string;
  /** What it broke. */
  readonly broke: string;
  /** The name under which the chunker sees it, where that is another one. */
  readonly path?: string;
  readonly windowBytes?: number;
  readonly maxTokens?: number;
}

export function hostileFixtures(): HostileFixture[] {
  return JSON.parse(readFileSync(new URL('hostile.json', FOLDER), 'utf8')) as HostileFixture[];
}

export function fixtureCase(fixture: HostileFixture): FuzzCase {
  return shown(
    readFileSync(fileURLToPath(new URL(fixture.file, FOLDER))),
    fixture.path ?? fixture.file,
    fixture,
  );
}

/** Bytes under a name, cut small for the second showing. */
export function shown(
  bytes: Buffer,
  path: string,
  options: { readonly windowBytes?: number; readonly maxTokens?: number } = {},
): FuzzCase {
  return {
    bytes,
    path,
    windowBytes: options.windowBytes ?? WINDOW_BYTES,
    maxTokens: options.maxTokens ?? USUAL_TOKENS,
    cuts: { seed: 1, largest: Math.max(7, Math.ceil(bytes.length / 5000)) },
    recipe: [],
  };
}
