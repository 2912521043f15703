import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';

const require = createRequire(import.meta.url);

/** What a result was measured with: it goes into every results file. */
export function environment() {
  const version = (name: string) => {
    const path = require.resolve(name).split(`/node_modules/${name}/`)[0];
    return JSON.parse(readFileSync(`${path}/node_modules/${name}/package.json`, 'utf8')).version as string;
  };
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    packages: Object.fromEntries(
      [
        '@lancedb/lancedb',
        'apache-arrow',
        'onnxruntime-node',
        'web-tree-sitter',
        '@huggingface/tokenizers',
      ].map((name) => [name, version(name)]),
    ),
  };
}
