import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** What of s3rver is used here; it comes without types. */
interface Context {
  readonly method: string;
  readonly path: string;
  readonly req: { resume(): void };
  status: number;
  type: string;
  body: string;
  get(header: string): string;
}
interface Server {
  readonly middleware: ((context: Context, next: () => Promise<void>) => Promise<void>)[];
  readonly store: { existsObject(bucket: string, key: string): Promise<unknown> };
  run(): Promise<{ port: number }>;
  close(): Promise<void>;
}
type S3rver = new (options: Record<string, unknown>) => Server;

export const BUCKET = 'bucket';
const require = createRequire(import.meta.url);

/**
 * An S3 server, s3rver, on a free port, until the test ends. It ignores `If-None-Match`, as stores without conditional
 * PUT do; `conditional` puts in front of it what the others do. The environment says where it is and how to log in.
 */
export async function startObjectStore(
  t: TestContext,
  { conditional }: { readonly conditional: boolean },
): Promise<Record<string, string>> {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
  const S3 = require('s3rver') as S3rver;
  const server = new S3({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: BUCKET }],
    allowMismatchedSignatures: false,
  });
  if (conditional) server.middleware.unshift(conditionalPut(server));
  const { port } = await server.run();
  t.after(async () => {
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/** A PUT that asks that there be no such object waits for the one before it, and finds it. */
function conditionalPut(server: Server): Server['middleware'][number] {
  const last = new Map<string, Promise<void>>();
  return async (context, next) => {
    if (context.method !== 'PUT' || context.get('if-none-match') !== '*') return next();
    const { path } = context;
    const before = last.get(path) ?? Promise.resolve();
    let done = () => {};
    last.set(path, new Promise((resolve) => (done = resolve)));
    await before;
    try {
      const [, bucket, ...key] = decodeURIComponent(path).split('/');
      if (!(await server.store.existsObject(bucket!, key.join('/')))) return await next();
      context.req.resume();
      context.status = 412;
      context.type = 'application/xml';
      context.body = '<?xml version="1.0"?><Error><Code>PreconditionFailed</Code></Error>';
    } finally {
      done();
    }
  };
}
