/**
 * What goes wrong with a model, done to `tidemark index` on purpose: what the user sees, what is left behind, and whether
 * the same command succeeds once the fault is gone. `npm run bench:embed-faults`; takes Linux, and for a lost device
 * `npm run vulkan` and a C compiler. Results: bench/results/embed-faults.json and embed-faults.md.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { defaultCacheRoot } from '../src/embed/model-cache.ts';
import type { Summary } from '../src/pipeline/summary.ts';
import { deviceThatCanBeLost, withoutLosing } from '../test/support/lost-device.ts';
import { useSoftwareVulkan } from '../test/support/software-vulkan.ts';
import { writeTinyModel } from '../test/support/tiny-model.ts';
import { prepareModels } from './lib/embed-runs.ts';
import { environment } from './lib/machine.ts';

const CLI = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const EMBEDDER = 'embed/child.js';
/** Those that only try a device or a model live for less. */
const AT_WORK_MS = 1500;

interface Place {
  readonly dir: string;
  readonly model: string;
  readonly tree: string;
}

interface Fault {
  readonly name: string;
  /** More arguments of `tidemark index`, while the fault lasts. */
  readonly args?: readonly string[];
  /** With the bundled model in place of a tiny one: a run that takes long enough to be disturbed. */
  readonly bundled?: boolean;
  /** In the tree that is indexed; 100 by default. */
  readonly files?: number;
  /** Before the command. */
  readonly cause?: (place: Place) => void;
  /** While an embedding process of the command is at work. */
  readonly disturb?: (pid: number, place: Place) => void;
  readonly mend?: (place: Place) => void;
}

interface Row {
  readonly fault: string;
  readonly exitCode: number | null;
  readonly sees: string;
  readonly failedChunks: number | null;
  /** Left behind. */
  readonly processes: number;
  readonly files: number;
  readonly retry: string;
}

let device: ReturnType<typeof deviceThatCanBeLost> | null = null;

const FAULTS: readonly Fault[] = [
  {
    name: 'the weights are missing',
    cause: ({ model }) => rmSync(join(model, 'model.onnx')),
    mend: ({ model }) => writeTinyModel(model),
  },
  {
    name: 'the weights are cut off',
    cause: ({ model }) => truncateSync(join(model, 'model.onnx'), 100),
    mend: ({ model }) => writeTinyModel(model),
  },
  {
    name: 'the tokenizer is of another model',
    cause: ({ model }) => writeTinyModel(model, { extraWords: ['unheard'] }),
    mend: ({ model }) => writeTinyModel(model),
  },
  {
    name: 'the tokenizer is damaged',
    cause: ({ model }) => writeFileSync(join(model, 'tokenizer.json'), '{"version":'),
    mend: ({ model }) => writeTinyModel(model),
  },
  { name: 'dimensions that the model does not have', args: ['--dimensions', '2'] },
  { name: 'a device that is not there', args: ['--device', 'webgpu'] },
  {
    name: 'the process is killed',
    bundled: true,
    files: 500,
    disturb: (pid) => process.kill(pid, 'SIGKILL'),
  },
  {
    name: 'the process is out of memory',
    bundled: true,
    files: 500,
    disturb: (pid) => {
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      const has = Number(/VmSize:\s+(\d+) kB/.exec(status)![1]) * 1024;
      execFileSync('prlimit', ['--pid', String(pid), `--as=${has}`]);
    },
  },
  ...(withoutLosing === false
    ? [
        {
          name: 'the device is lost for a moment',
          args: ['--device', 'webgpu'],
          files: 3000,
          cause: ({ dir }: Place) => {
            useSoftwareVulkan();
            device = deviceThatCanBeLost(dir);
          },
          disturb: () => {
            device!.lose();
            setTimeout(() => device!.mend(), 300);
          },
        },
      ]
    : []),
];

/** Processes of a group by what they run. */
function processesOf(group: number, program = ''): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return (
          Number(pgrp) === group &&
          state !== 'Z' &&
          readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(program)
        );
      } catch {
        return false;
      }
    });
}

/** Files of eight functions of one length, a few dozen lines each. */
function writeTree(dir: string, files: number): void {
  mkdirSync(dir);
  for (let file = 0; file < files; file++) {
    const functions = Array.from({ length: 8 }, (_, i) => {
      const lines = Array.from(
        { length: 12 },
        (_, j) => `  total = total * ${file + j} + red${i}.value(${j});`,
      );
      return `export function step${file}x${i}(red${i}, total) {\n${lines.join('\n')}\n  return total;\n}\n`;
    });
    writeFileSync(join(dir, `file${file}.js`), functions.join('\n'));
  }
}

interface Outcome {
  readonly code: number | null;
  readonly stderr: string;
  readonly summary: Summary | null;
  readonly processes: number;
}

async function index(
  place: Place,
  fault: Fault,
  args: readonly string[],
  disturbed: boolean,
): Promise<Outcome> {
  const model = fault.bundled ? [] : ['--model', place.model];
  const child = spawn(process.execPath, [CLI, 'index', place.tree, '--json', ...model, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  if (disturbed) {
    const since = new Map<number, number>();
    for (let done = false; !done && child.exitCode === null; await sleep(20)) {
      for (const pid of processesOf(child.pid!, EMBEDDER)) {
        since.set(pid, since.get(pid) ?? performance.now());
        if (done || performance.now() - since.get(pid)! < AT_WORK_MS) continue;
        done = true;
        fault.disturb!(pid, place);
      }
    }
  }
  const code = await closed;
  await sleep(200);
  const summary = stdout.trim() === '' ? null : (JSON.parse(stdout) as Summary);
  return { code, stderr, summary, processes: processesOf(child.pid!).length };
}

/** What was begun and not finished: nothing of that may be left. */
const temporaries = (dir: string) =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((path) => /\.(?:tmp|part)\b/.test(path))
    .length;

/** What a person reads, without the progress. */
function shown({ stderr, summary }: Outcome, dir: string): string {
  const lines = stderr.split('\n').filter((line) => line.startsWith('tidemark:'));
  const steps = summary?.degraded.map(({ step, count, reason }) => `${step} (${count}): ${reason}`) ?? [];
  return [...lines, ...steps]
    .join(' ')
    .replaceAll(dir, '')
    .replaceAll(/\(\/onnxruntime_src[^)]*?([^:/)]{0,80})\)/g, '($1)')
    .trim();
}

async function measure(fault: Fault): Promise<Row> {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-faults-'));
  const place = { dir, model: join(dir, 'model'), tree: join(dir, 'tree') };
  const cache = defaultCacheRoot();
  try {
    writeTinyModel(place.model);
    writeTree(place.tree, fault.files ?? 100);
    fault.cause?.(place);
    const before = temporaries(cache);
    const outcome = await index(place, fault, fault.args ?? [], fault.disturb !== undefined);
    const files = temporaries(cache) - before + temporaries(dir);
    fault.mend?.(place);
    const again = await index(place, fault, [], false);
    const { pending = -1, failed = -1 } = again.summary?.chunks ?? {};
    const row = {
      fault: fault.name,
      exitCode: outcome.code,
      sees: shown(outcome, dir),
      failedChunks: outcome.summary?.chunks.failed ?? null,
      processes: outcome.processes,
      files,
      retry:
        again.code === 0 && pending === 0 && failed === 0
          ? 'complete'
          : `exit code ${again.code}: ${again.stderr}`,
    };
    console.error(`${row.fault}: ${row.exitCode}, ${row.sees}, ${row.retry}`);
    return row;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

await prepareModels(defaultCacheRoot());
const rows: Row[] = [];
for (const fault of FAULTS) rows.push(await measure(fault));
const cells = rows.map(
  (row) =>
    `| ${row.fault} | ${row.exitCode} | ${row.sees.replaceAll('|', '\\|')} | ${row.failedChunks ?? '-'} | ${row.processes} | ${row.files} | ${row.retry} |`,
);
const markdown = [
  '| fault | exit code | what the user sees | chunks that failed | processes left | temporary files left | the next run |',
  '|---|---|---|---|---|---|---|',
  ...cells,
  '',
].join('\n');
console.log(markdown);
const out = new URL('./results/', import.meta.url);
writeFileSync(
  new URL('embed-faults.json', out),
  `${JSON.stringify({ environment: environment(), rows }, null, 1)}\n`,
);
writeFileSync(new URL('embed-faults.md', out), markdown);
