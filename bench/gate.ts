/**
 * The gate: 2,000 files are indexed under several marks with a probe in each process, which has to find nothing; and once
 * more with each of ten leaks put in on purpose, which it has to name. `npm run bench:gate`; `-- --plant tree` puts in one.
 * Results: bench/results/gate.json.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Governor } from '../src/memory/governor.ts';
import { processTreeBytes } from '../src/memory/process-tree.ts';
import { writeTinyModel } from '../test/support/tiny-model.ts';
import { type GateResult, PLANTS, type Plant, runGate } from './lib/gate/gate.ts';
import { makeGateTree } from './lib/gate/gate-tree.ts';
import { environment } from './lib/machine.ts';
import { table } from './lib/table.ts';

const FILES = 2000;
/** A leak shows in fewer. */
const PLANT_FILES = 600;
const CLEAN = [
  { memory: '300MB', embed: false },
  { memory: '450MB', embed: true },
  { memory: '512MB', embed: false },
];
/** Those that only an embedder can have. */
const OF_MODELS = new Set<Plant>(['tensor', 'session']);

const TICKS = 2000;
const TICK_MS = 100;

/** What the governor's looking takes, as a share of one core, with two children to look at and close to the mark. */
async function costOfLooking(): Promise<number> {
  const children = [1, 2].map(() =>
    spawn(
      process.execPath,
      ['-e', 'const held = Buffer.alloc(150e6, 1); console.log(held.length); setInterval(() => held, 1e6)'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    ),
  );
  await Promise.all(children.map((child) => once(child.stdout!, 'data')));
  // The kernel is asked for shared pages only above a share of the mark; below that looking is cheaper.
  using governor = new Governor({ budgetBytes: 1.2 * processTreeBytes(), onStep: () => {} });
  const before = process.cpuUsage();
  const started = performance.now();
  for (let i = 0; i < TICKS; i++) governor.tick(started + i * TICK_MS);
  const { user, system } = process.cpuUsage(before);
  for (const child of children) child.kill('SIGKILL');
  return (user + system) / 1000 / TICKS / TICK_MS;
}

const { values } = parseArgs({ options: { plant: { type: 'string' } } });
const chosen = PLANTS.filter((plant) => values.plant === undefined || plant === values.plant);
const base = mkdtempSync(join(tmpdir(), 'tidemark-gate-'));
const [tree, small, model] = [join(base, 'tree'), join(base, 'small'), join(base, 'model')];
const rows: object[] = [];
const cells: (string | number)[][] = [['put in', 'mark', 'seconds', 'peak MB', 'found']];
let failed = false;
let looking = 0;
try {
  looking = await costOfLooking();
  makeGateTree(tree, FILES);
  makeGateTree(small, PLANT_FILES);
  writeTinyModel(model);
  const add = (what: string, memory: string, { findings, run }: GateResult, good: boolean) => {
    failed ||= !good;
    const found = findings.map(({ text }) => text).join('; ') || 'nothing';
    const peak = run.peakPssBytes / 1e6;
    cells.push([what, memory, run.seconds.toFixed(1), peak.toFixed(0), good ? found : `WRONG: ${found}`]);
    rows.push({ plant: what, memory, seconds: run.seconds, peakBytes: run.peakPssBytes, findings, good });
  };
  if (values.plant === undefined) {
    for (const { memory, embed } of CLEAN) {
      const result = await runGate({ tree, memory, ...(embed ? { model } : {}) });
      add(embed ? 'nothing, both lanes' : 'nothing', memory, result, result.findings.length === 0);
    }
  }
  for (const plant of chosen) {
    const memory = '450MB';
    const result = await runGate({ tree: small, memory, plant, ...(OF_MODELS.has(plant) ? { model } : {}) });
    add(
      plant,
      memory,
      result,
      result.findings.some(({ name }) => name === plant),
    );
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
process.stdout.write(
  `${table(cells)}\nthe governor's looking takes ${(100 * looking).toFixed(2)} % of a core\n`,
);
if (values.plant === undefined)
  writeFileSync(
    new URL('./results/gate.json', import.meta.url),
    `${JSON.stringify({ environment: environment(), files: FILES, lookingShareOfCore: looking, runs: rows }, null, 1)}\n`,
  );
if (failed) process.exitCode = 1;
