/**
 * All files of an index listed in order: by ranges of the key, as tidemark does it, by a growing offset, and all at once.
 * `npm run bench:listing`; BENCH_FILES=100000 takes fewer (a trial: nothing is written). Results:
 * bench/results/listing.json, listing-time.svg and listing-memory.svg.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Listing, type ListingWay, listFiles, writeFileRows } from '../test/support/listing.ts';
import { lineChart } from './lib/line-chart.ts';
import { environment } from './lib/machine.ts';
import { slope } from './lib/slope.ts';
import { table } from './lib/table.ts';

const FILES = 1_000_000;
const STEPS = [1 / 8, 1 / 4, 1 / 2, 1];
const WAYS: Record<ListingWay, string> = {
  keys: 'ranges of the key (tidemark)',
  offset: 'growing offset',
  unbounded: 'all at once',
};
const ways = Object.keys(WAYS) as ListingWay[];

const given = process.env.BENCH_FILES;
const most = Number(given ?? FILES);
const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
const results: (Listing & { readonly way: ListingWay })[] = [];
try {
  for (const step of STEPS) {
    const files = most * step;
    const index = join(dir, String(files));
    await writeFileRows(index, files);
    for (const way of ways) {
      const listing = await listFiles(way, index);
      if (listing.files !== files) throw new Error(`${way}: ${listing.files} of ${files} files`);
      results.push({ way, ...listing });
      process.stderr.write(`${files} ${way}: ${(listing.milliseconds / 1000).toFixed(1)} s\n`);
    }
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}

const of = (way: ListingWay) => results.filter((result) => result.way === way);
/** Of time as a power of the number of files: 1 is linear. */
const exponent = (way: ListingWay) =>
  slope(of(way).map(({ files, milliseconds }) => [Math.log(files), Math.log(milliseconds)] as const))!;
const rows = ways.map((way) => {
  const last = of(way).at(-1)!;
  return [
    WAYS[way],
    last.files,
    (last.milliseconds / 1000).toFixed(1),
    exponent(way).toFixed(2),
    (last.grownBytes / 1e6).toFixed(0),
  ];
});
process.stdout.write(
  `${table([['way', 'files', 'seconds', 'time grows with files to the power of', 'memory above the start, MB'], ...rows])}\n`,
);
if (given === undefined) {
  const folder = new URL('./results/', import.meta.url);
  const exponents = Object.fromEntries(ways.map((way) => [way, exponent(way)]));
  const report = { environment: environment(), results, exponents };
  writeFileSync(new URL('listing.json', folder), `${JSON.stringify(report, null, 1)}\n`);
  const series = (value: (listing: Listing) => number) =>
    ways.map((way) => ({ name: WAYS[way], points: of(way).map((row) => [row.files, value(row)] as const) }));
  const chart = (title: string, yTitle: string, value: (listing: Listing) => number) =>
    lineChart({ title, xTitle: 'files', yTitle, series: series(value) });
  writeFileSync(
    new URL('listing-time.svg', folder),
    await chart('Listing all files in order', 'seconds', ({ milliseconds }) => milliseconds / 1000),
  );
  writeFileSync(
    new URL('listing-memory.svg', folder),
    await chart('Memory that listing takes', 'MB above the start', ({ grownBytes }) => grownBytes / 1e6),
  );
}
