/**
 * Lists the files of the index argv[3] in the way argv[2]; prints how many there are, how long it took in milliseconds,
 * and by how many bytes the resident set had grown at its highest.
 */
import { readFileSync } from 'node:fs';
import { connectTo } from '../../../src/store/lance.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';

/** What a plain pager asks for. */
const PAGE = 16_384;

const WAYS: Record<string, (store: Store) => AsyncIterable<unknown>> = {
  /** As tidemark does it. */
  keys: (store) => store.files(),
  /** Page after page by a growing offset. */
  async *offset(store) {
    const table = await (await connectTo(store.tablesUri)).openTable('files');
    let last: string | null = null;
    for (let offset = 0; ; offset += PAGE) {
      const page = await table
        .query()
        .orderBy([{ columnName: 'path' }, { columnName: 'rev', ascending: false }])
        .offset(offset)
        .limit(PAGE)
        .toArray();
      for (const row of page) {
        if (row.path === last) continue;
        last = row.path;
        yield row;
      }
      if (page.length < PAGE) return;
    }
  },
  /** The bug that this project grew out of: every indexed path in one array. */
  async *unbounded(store) {
    const table = await (await connectTo(store.tablesUri)).openTable('files');
    const rows = (await table.query().toArray()).map((row) => row.toJSON());
    const newest = new Map(rows.sort((a, b) => Number(a.rev - b.rev)).map((row) => [row.path, row]));
    yield* [...newest.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  },
};

/** Anonymous memory: pages of mapped files come and go with the page cache. */
const rss = () => Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;

await using store = await openStore(process.argv[3]!, { create: false, mode: 'read', memoryBytes: 300e6 });
// What is loaded and cached once is no growth.
for (const _ of [1, 2]) await store.counts();
const before = rss();
let peak = before;
const sample = () => {
  peak = Math.max(peak, rss());
};
const timer = setInterval(sample, 5);
const started = performance.now();
let files = 0;
for await (const _ of WAYS[process.argv[2]!]!(store)) if (++files % 4096 === 0) sample();
const took = performance.now() - started;
clearInterval(timer);
process.stdout.write(`${files} ${took} ${peak - before}\n`);
