import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { COMMAND, cliEnv } from '../support/cli-runs.ts';

const LANGUAGES = fileURLToPath(new URL('../fixtures/languages/', import.meta.url));

/** What V8 says of each WebAssembly function that it compiles while a file is chunked. */
function compilations(file: string): { compiler: string; bytes: number }[] {
  const [node, ...program] = COMMAND;
  const flags = ['--trace-wasm-compilation-times'];
  const output = execFileSync(node!, [...flags, ...program, 'chunks', LANGUAGES + file, '--json'], {
    encoding: 'utf8',
    env: cliEnv(),
    maxBuffer: 64e6,
  });
  return [...output.matchAll(/using (Liftoff|TurboFan), took .*?bodysize (\d+)/g)].map(
    ([, compiler, bytes]) => ({ compiler: compiler!, bytes: Number(bytes) }),
  );
}

for (const file of ['swift.swift', 'powershell.ps1', 'bash.sh', 'latex.tex']) {
  test(`${file}: no seconds are spent on making a huge lexer faster`, () => {
    const compiled = compilations(file);
    const huge = compiled.filter(({ bytes }) => bytes > 100_000);
    assert.ok(huge.length > 0, 'the lexer was not compiled, or V8 does not tell');
    assert.deepEqual(
      huge.filter(({ compiler }) => compiler === 'TurboFan'),
      [],
    );
    // What all grammars run on is optimized as before.
    assert.ok(compiled.some(({ compiler }) => compiler === 'TurboFan'));
  });
}
