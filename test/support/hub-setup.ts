import type { TestContext } from 'node:test';
import { Embedder, type EmbedderOptions } from '../../src/embed/embedder.ts';
import { HubServer, type HubServerOptions } from './hub-server.ts';
import { temporaryDirectory } from './model-dirs.ts';
import { writeTinyModel } from './tiny-model.ts';

export const ID = 'someone/tiny';

/** Of the environment only what a test sets is seen, so that no token of the machine's user is. */
function setEnvironment(context: TestContext, variables: Readonly<Record<string, string>>): void {
  const names = ['HF_ENDPOINT', 'HF_HUB_OFFLINE', 'HF_TOKEN', 'HF_TOKEN_PATH', 'HF_HOME', 'HF_HUB_CACHE'];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  Object.assign(process.env, { HF_HOME: temporaryDirectory(context), ...variables });
  context.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
}

export interface Setup {
  readonly server: HubServer;
  readonly model: string;
  readonly commit: string;
  readonly cacheDir: string;
}

/** A hub with the tiny model, which HF_ENDPOINT names. */
export async function setUp(context: TestContext, options: HubServerOptions = {}): Promise<Setup> {
  const server = await HubServer.start(context, options);
  const model = temporaryDirectory(context);
  writeTinyModel(model);
  setEnvironment(context, { HF_ENDPOINT: server.endpoint });
  return { server, model, commit: server.publish(ID, model), cacheDir: temporaryDirectory(context) };
}

/** The vector of `red green`, and what made it. */
export async function embed(
  options: EmbedderOptions,
): Promise<{ id: string; dtype: string; vector: number[] }> {
  await using embedder = new Embedder(options);
  const { id, dtype } = await embedder.start();
  return { id, dtype, vector: [...(await embedder.embed(['red green'])).vectors] };
}
