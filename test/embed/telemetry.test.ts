import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Embedder } from '../../src/embed/embedder.ts';
import { temporaryDirectory } from '../support/model-dirs.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

/** In the environment of a continuous integration the runtime keeps quiet by itself. */
const QUIET = ['CI', 'TF_BUILD', 'GITHUB_ACTIONS', 'ORT_DISABLE_TELEMETRY'];

test('the runtime keeps nothing about the machine and what it runs', async (context) => {
  const directory = temporaryDirectory(context);
  const [model, home] = [join(directory, 'model'), join(directory, 'home')];
  mkdirSync(model);
  mkdirSync(home);
  writeTinyModel(model);
  const before = { ...process.env };
  context.after(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });
  for (const name of QUIET) delete process.env[name];
  Object.assign(process.env, { HOME: home, XDG_CACHE_HOME: home, TMPDIR: home });
  {
    await using embedder = new Embedder({ model, device: 'cpu' });
    assert.deepEqual((await embedder.embed(['red', 'blue green'])).failed, []);
  }
  assert.deepEqual(readdirSync(home, { recursive: true }), []);
});
