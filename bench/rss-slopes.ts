/**
 * Whether memory grows over the files of the runs on record: the slope by two weights and three warm-ups, without the end of
 * the tree, and within parts of it, from the points in bench/results/rss.json. `npm run bench:rss-slopes`.
 */
import { readFileSync } from 'node:fs';
import { type Moment, perFiles, slopeByProgress, slopeByTime } from './lib/rss-slopes.ts';
import { table } from './lib/table.ts';

interface Recorded {
  readonly lexicalSeconds: number;
  /** Seconds, files, chunks and MB, as bench/rss.ts writes them. */
  readonly curve: readonly (readonly [number, number, number, number, ...number[]])[];
}

const WARM_PARTS = [0.1, 0.2, 0.3];
/** Without what comes late in the order of the paths. */
const FIRST_PART = 0.85;
/** Before and after the register headers of one driver of Linux, and without its `tools`: what is large there makes a step. */
const PARTS = [
  { from: 0.1, to: 0.3 },
  { from: 0.5, to: 0.9 },
];
const known = JSON.parse(readFileSync(new URL('./results/rss.json', import.meta.url), 'utf8')) as Record<
  string,
  Recorded
>;
const files = ({ files }: Moment) => files;
const rows = Object.entries(known).flatMap(([name, { lexicalSeconds, curve }]) => {
  const lexical = curve
    .filter(([seconds]) => seconds <= lexicalSeconds)
    .map(([seconds, files, , rss]): Moment => ({ seconds, files, rss: rss * 1e6 }));
  const all = lexical.at(-1)?.files ?? 0;
  const upTo = (part: number) => lexical.filter(({ files }) => files <= all * part);
  const first = upTo(FIRST_PART);
  return [
    ...WARM_PARTS.map((part) => [
      name,
      `from ${part * 100} % on`,
      perFiles(slopeByProgress(lexical, files, part)),
      perFiles(slopeByTime(lexical, files, part)),
      perFiles(slopeByProgress(first, files, part)),
    ]),
    ...PARTS.map(({ from, to }) => ({ from, to, part: upTo(to) }))
      .filter(({ part }) => part.length > 0)
      .map(({ from, to, part }) => [
        name,
        `from ${from * 100} to ${to * 100} %`,
        perFiles(slopeByProgress(part, files, from / to)),
        perFiles(slopeByTime(part, files, from / to)),
        '-',
      ]),
  ];
});
process.stdout.write(
  `${table([
    [
      'MB by 10,000 files (95 %), lexical lane',
      'files',
      'each file counts as much',
      'each second counts as much',
      `the first ${FIRST_PART * 100} % of the files`,
    ],
    ...rows,
  ])}\n`,
);
