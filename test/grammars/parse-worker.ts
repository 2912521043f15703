/** Parses with a grammar compiled elsewhere: a small text, then one that its heap cannot hold. */
import { parentPort, workerData } from 'node:worker_threads';
import { Parser } from 'web-tree-sitter';
import { grammar } from '../../grammars/json.ts';
import { guardStack, initRuntime, loadGrammar, runtimeHeapBytes } from '../../src/chunk/grammar-loader.ts';

const { module, maximumPages, text } = workerData;
await initRuntime({ maximumPages });
const { language } = await loadGrammar(grammar, async () => module);
const parser = new Parser().setLanguage(language);
const tree = parser.parse('[1, 2]');
const small = tree !== null && !tree.rootNode.hasError;
tree?.delete();
let failure = '';
try {
  guardStack(() => parser.parse(text))?.delete();
} catch (error) {
  failure = String(error);
}
parentPort?.postMessage({ small, failure, heap: runtimeHeapBytes() });
