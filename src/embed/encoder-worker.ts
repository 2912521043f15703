import { parentPort, workerData } from 'node:worker_threads';
import { type EncodeRequest, loadTokenizer } from './encoder.ts';
import type { ModelFiles } from './model-files.ts';

/** Entry point of the thread of a `ThreadEncoder`. Answers in the order of the requests. */
const encode = loadTokenizer(workerData as ModelFiles);
parentPort!.on('message', async (request: EncodeRequest) => {
  const answer = (await encode)(request);
  parentPort!.postMessage(answer);
});
