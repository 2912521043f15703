import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { IndexEvent, Summary } from '../../src/index.ts';
import { endedChildrenCpuSeconds } from './cpu.ts';
import { type TreeSample, TreeSampler } from './tree-sampler.ts';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

export interface IndexRunOptions {
  readonly tree: string;
  readonly index: string;
  readonly memory: string;
  readonly embed: boolean;
  readonly model?: string;
  /** The run is interrupted, as by Ctrl-C, so long after its start. */
  readonly seconds?: number | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** The command that runs node with the arguments that follow; for a run in a container. */
  readonly wrapper?: readonly string[];
}

/** A sample with how far the run was: files and bytes of the lexical lane, chunks of the semantic one. */
export interface RunSample extends TreeSample {
  readonly files: number;
  readonly bytes: number;
  readonly chunks: number;
}

export interface IndexRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Null where the run did not come to its end. */
  readonly summary: Summary | null;
  /** That are to be embedded in all, null where nothing was. */
  readonly totalChunks: number | null;
  readonly samples: readonly RunSample[];
  readonly peakRssBytes: number;
  readonly peakPssBytes: number;
  /** Steps down and up, with when. */
  readonly steps: readonly { readonly seconds: number; readonly step: string; readonly files: number }[];
  /** Seconds at which the lanes began, the maintenance, and the end. */
  readonly stages: readonly { readonly seconds: number; readonly stage: string; readonly files: number }[];
  readonly seconds: number;
  /** Of all its processes, user and system. */
  readonly cpuSeconds: number;
  readonly stderr: string;
}

/** Runs `tidemark index` as a user does, with a sampler outside of it. */
export async function indexRun(options: IndexRunOptions): Promise<IndexRun> {
  if (!existsSync(MAIN)) throw new Error('npm run build comes first');
  const { tree, index, memory, embed, model, seconds: limit, env = {}, wrapper = [] } = options;
  const [program, ...args] = [
    ...wrapper,
    process.execPath,
    MAIN,
    'index',
    tree,
    '--index',
    index,
    '--memory',
    memory,
    '--json',
    '--events',
    ...(embed ? [] : ['--no-embed']),
    ...(model === undefined ? [] : ['--model', model]),
  ];
  const started = performance.now();
  const cpuBefore = endedChildrenCpuSeconds();
  const elapsed = () => (performance.now() - started) / 1000;
  const child = spawn(program!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let [files, bytes, chunks, stderr] = [0, 0, 0, ''];
  let summary: Summary | null = null;
  let totalChunks: number | null = null;
  const samples: RunSample[] = [];
  const steps: { seconds: number; step: string; files: number }[] = [];
  const stages: { seconds: number; stage: string; files: number }[] = [];
  const sampler = new TreeSampler(child.pid!, (sample) => samples.push({ ...sample, files, bytes, chunks }));
  const timer = limit === undefined ? null : setTimeout(() => child.kill('SIGINT'), limit * 1000);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal })),
  );
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as IndexEvent | Summary;
    if (!('type' in event)) summary = event;
    else if (event.type === 'progress' && event.lane === 'lexical')
      [files, bytes] = [event.done, event.bytes];
    else if (event.type === 'progress') [chunks, totalChunks] = [event.done, event.total];
    else if (event.type === 'degraded') steps.push({ seconds: elapsed(), step: event.step, files });
    else if (event.type === 'recovered')
      steps.push({ seconds: elapsed(), step: `${event.step} taken back`, files });
    else if (event.type === 'start') stages.push({ seconds: elapsed(), stage: event.lane, files });
    else if (event.type === 'maintenance') stages.push({ seconds: elapsed(), stage: event.type, files });
  }
  const { code, signal } = await ended;
  if (timer !== null) clearTimeout(timer);
  sampler.stop();
  stages.push({ seconds: elapsed(), stage: 'end', files });
  return {
    code,
    signal,
    summary,
    totalChunks,
    samples,
    peakRssBytes: samples.reduce((most, { rss }) => Math.max(most, rss), 0),
    peakPssBytes: samples.reduce((most, { pss }) => Math.max(most, pss), 0),
    steps,
    stages,
    seconds: elapsed(),
    cpuSeconds: endedChildrenCpuSeconds() - cpuBefore,
    stderr,
  };
}
