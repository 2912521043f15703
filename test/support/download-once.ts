import { HubClient } from '../../src/embed/hub-client.ts';
import { downloadFile } from '../../src/embed/hub-download.ts';

// A program for tests: downloads files of growing size, [{ url, size, sha256 }] in argv[3], from the hub at argv[2] to
// argv[4], and prints the highest resident set during each, in bytes.
const [, , endpoint = '', files = '', path = ''] = process.argv;
const { signal } = new AbortController();
await using client = await HubClient.open({ endpoint, offline: false, token: null, sharedCache: '' });
for (const { url, size, sha256 } of JSON.parse(files)) {
  const checksum = { algorithm: 'sha256', hex: sha256 } as const;
  let peak = 0;
  const onBytes = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  await downloadFile(client, { url, path, size, checksum, signal, onBytes, onRetry: () => {} });
  process.stdout.write(`${peak}\n`);
}
