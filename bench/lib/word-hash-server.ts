import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { embed } from './pipeline.ts';

/** The peers' embedding function behind OpenAI's API on localhost; returns what `--model` takes and how to stop it. */
export async function serveWordHashes() {
  const server = createServer((request, response) => {
    json(request).then(
      (body) => {
        const { input, encoding_format: format } = body as { input: string[]; encoding_format?: string };
        const data = input.map((text, index) => {
          const vector = Float32Array.from(embed(text));
          const embedding = format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
          return { object: 'embedding', index, embedding };
        });
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ object: 'list', data }));
      },
      (error: Error) => response.destroy(error),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    model: `openai+http://127.0.0.1:${port}/v1#word-hashes`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
