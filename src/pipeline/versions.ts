import { createRequire } from 'node:module';

/** Grows with every change that makes other chunks, terms or hashes out of the same bytes. */
export const CHUNKER_VERSION = '6';

const packageJson = createRequire(import.meta.url)('tidemark/package.json') as { version: string };
export const TIDEMARK_VERSION = packageJson.version;
