import { nativeSupport } from '../chunk/native/parser-process.ts';
import type { ParserKind } from '../chunk/parser-pool.ts';
import { createEmbedder, type TextEmbedderOptions } from '../embed/create-embedder.ts';
import type { Admit } from '../embed/embedder.ts';
import { followIndex } from '../embed/model-name.ts';
import { isRemoteModel } from '../embed/remote/target.ts';
import { MemoryBudget } from '../memory/budget.ts';
import { collectGarbage } from '../memory/collect-garbage.ts';
import { Governor } from '../memory/governor.ts';
import { LinkedAbort } from '../memory/linked-abort.ts';
import { machineLimits } from '../memory/machine.ts';
import { defaultBudgetBytes, EMBEDDER_FREE_BYTES, type MemoryPlan, planMemory } from '../memory/plan.ts';
import { proportionalBytes } from '../memory/process-tree.ts';
import type { MaintenanceWork } from '../store/maintain.ts';
import { openStore } from '../store/open.ts';
import { isRemote } from '../store/place-at.ts';
import type { IndexEvent } from './events.ts';
import { FileCount } from './file-count.ts';
import { runLexicalLane } from './lexical-lane.ts';
import type { ModelCheck } from './model-check.ts';
import { runSemanticLane } from './semantic-lane.ts';
import { type DegradationStep, SummaryBuilder } from './summary.ts';
import { CHUNKER_VERSION, TIDEMARK_VERSION } from './versions.ts';
import { whileWaiting, withHeld } from './while-waiting.ts';

/** In the time that another process takes to start, the first embeds about as many. */
const CHUNKS_A_PROCESS = 64;

export interface UpdateRequest {
  /** Real path of the tree. */
  readonly root: string;
  /** Absolute path of the index directory, or the URI of an object store. */
  readonly indexDir: string;
  /** The index lies outside of the tree, and is bound to it. */
  readonly outside: boolean;
  /** Budget for the process tree in bytes; by default a share of the machine. */
  readonly memoryBytes: number | undefined;
  readonly parser: ParserKind;
  readonly embed: boolean;
  readonly embedder: Pick<TextEmbedderOptions, 'model' | 'dtype' | 'dimensions' | 'device' | 'offline'>;
  /** Of all updates of an open index, which keeps it. */
  readonly modelCheck: ModelCheck;
  /** Count the files first to tell how many there are, at the cost of a second walk. */
  readonly countAhead: boolean;
  readonly signal: AbortSignal;
}

/**
 * Brings the index up to date with the tree: the lexical lane, then the semantic one, so that the peak is the larger of
 * the two. Takes the writer's lock for its whole time. Leaving it early is safe at any moment.
 */
export async function* runUpdate(request: UpdateRequest): AsyncGenerator<IndexEvent> {
  const { embed } = request;
  // Aborted as well where the caller leaves while something is at work.
  using stop = new LinkedAbort(request.signal);
  const { signal } = stop;
  signal.throwIfAborted();
  const wantedBytes = request.memoryBytes ?? defaultBudgetBytes();
  const remote = isRemoteModel(request.embedder.model ?? '');
  const { cores, limitBytes } = machineLimits();
  // The kernel walks all pages of the process for it.
  const sharedCountsOnce = embed && !remote && proportionalBytes([process.pid]) !== null;
  const planFor = (modelBytes: number | null) =>
    planMemory(wantedBytes, {
      // A model on a server takes no memory here but for what is on its way.
      embed: embed && !remote,
      cores,
      nativeParser: request.parser === 'native',
      modelBytes,
      limitBytes,
      sharedCountsOnce,
    });
  const plan = planFor(null);
  const { budgetBytes } = plan;
  // What will not do is refused before an hour's work and not in the middle of it.
  if (request.parser === 'native') await nativeSupport();
  const summary = new SummaryBuilder();
  const held: IndexEvent[] = [];
  const degrade = (step: DegradationStep, reason: string) => {
    summary.degrade(step, reason);
    held.push({ type: 'degraded', step, reason });
  };
  using governor = new Governor({
    budgetBytes,
    onStep: ({ direction, step, reason }) => {
      if (direction === 'down') degrade(step, reason);
      else held.push({ type: 'recovered', step, reason });
    },
  });
  using inFlight = new MemoryBudget(plan.inFlightBytes);
  await using store = await openStore(request.indexDir, {
    create: true,
    mode: 'write',
    memoryBytes: budgetBytes,
    ...(request.outside ? { root: request.root } : {}),
    versions: { tidemark: TIDEMARK_VERSION, chunker: CHUNKER_VERSION },
  });
  const use = await followIndex(request.embedder, store.meta().model);
  // Of what is on its way through this process.
  const requestBytes = remote ? plan.inFlightBytes / 3 : 0;
  const newEmbedder = (
    { embedders, embedderBytes }: Pick<MemoryPlan, 'embedders' | 'embedderBytes'>,
    admit: Admit,
  ) =>
    createEmbedder({
      ...request.embedder,
      ...use,
      inFlightBytes: requestBytes,
      processes: embedders,
      ...(embedderBytes > 0 ? { maxChildRssBytes: embedderBytes } : {}),
      admit,
      onEvent: (event) => {
        if (event.type === 'download') held.push(event);
        const step = degradation(event);
        if (step !== null) degrade(step.step, step.reason);
      },
    });
  const { device = 'auto' } = request.embedder;
  const { modelCheck } = request;
  if (embed) {
    const checked = modelCheck.run({
      store,
      use,
      device,
      newEmbedder: (admit) => newEmbedder({ embedders: 1, embedderBytes: 0 }, admit),
      admit: planFor,
      signal,
    });
    yield* whileWaiting(checked, held, stop);
  }

  const count = request.countAhead ? new FileCount(request.root, ownFiles(request), signal) : null;
  try {
    const lane = runLexicalLane({
      root: request.root,
      exclude: ownFiles(request),
      store,
      outdated: store.meta().chunker !== CHUNKER_VERSION,
      inFlight,
      governor,
      flushBytes: plan.flushBytes,
      parser: request.parser,
      parsers: plan.parsers,
      parserHeapBytes: plan.parserHeapBytes,
      summary,
      signal,
      total: () => count?.total ?? null,
    });
    yield* withHeld(lane, held, stop);
  } finally {
    await count?.stop();
  }
  await store.setChunker(CHUNKER_VERSION);
  yield { type: 'maintenance' };
  const room = async () => {
    // What the work before leaves as garbage goes before the next fills its place.
    await collectGarbage();
    // Where the run is stopped there is none.
    await governor.room(signal).catch(() => {});
    return !signal.aborted && !governor.tight;
  };
  const later = (work: readonly MaintenanceWork[]) => {
    if (work.length === 0) return;
    degrade('maintenance-later', `memory was too short to ${work.join(' and to ')}; a later run does it`);
  };
  const maintained = yield* whileWaiting(store.maintain({ room, signal }), held, stop);
  signal.throwIfAborted();
  later(maintained.later);

  const giveUp = () =>
    degrade('lexical-only', 'memory stayed too short to embed; what is pending is left to the next run');
  const pending = embed ? (await store.counts()).files.pending : { files: 0, chunks: 0 };
  const embeds = pending.files > 0;
  const bytes = modelCheck.bytes ?? EMBEDDER_FREE_BYTES;
  // A model on a server takes nothing here that could wait.
  if (embeds && !remote && !(yield* whileWaiting(governor.patience(signal, { bytes }), held, stop))) {
    giveUp();
  } else if (embeds) {
    const sized = planFor(modelCheck.bytes);
    const wanted = Math.max(1, Math.min(sized.embedders, Math.ceil(pending.chunks / CHUNKS_A_PROCESS)));
    // Where others have what several would take, one has to do.
    const processes = governor.fits(wanted * bytes) ? wanted : 1;
    // Where another device has to do than was expected, fewer processes have room.
    const share: Admit = (need) => {
      const { embedders, embedderBytes } = planFor(modelCheck.bytesOf(need, use));
      return { processes: embedders, maxRssBytes: embedderBytes };
    };
    await using embedder = newEmbedder({ ...sized, embedders: processes }, share);
    const started = embedder.start(signal);
    const { id: model, dtype, device, dimensions } = yield* whileWaiting(started, held, stop);
    await store.setModel({ id: model, dtype, dimensions });
    summary.embedder = { model, device, dimensions };
    using _requests = inFlight.reserve(requestBytes, 'requests and answers');
    const lane = runSemanticLane({ store, embedder, inFlight, governor, summary, signal, giveUp });
    yield* withHeld(lane, held, stop);
    await embedder.dispose();
    yield { type: 'maintenance' };
    let there = true;
    const may = async () => {
      there = await room();
      return there;
    };
    yield* whileWaiting(store.buildVectorIndexIfWorthIt({ may }), held, stop);
    signal.throwIfAborted();
    if (!there) later(['index the vectors']);
  }
  const known = store.meta().model;
  if (embed && summary.embedder === null && known !== null) {
    const { id: model, dimensions } = known;
    const where = remote ? 'remote' : device === 'auto' ? 'cpu' : device;
    summary.embedder = { model, device: where, dimensions };
  }
  summary.chunks.pending = (await store.counts()).files.pending.chunks;
  yield* held.splice(0);
  governor.tick(performance.now());
  yield { type: 'done', summary: summary.finish({ peakRssBytes: governor.peakBytes, budgetBytes }) };
}

type EmbeddingEvent = Parameters<NonNullable<TextEmbedderOptions['onEvent']>>[0];

function degradation(event: EmbeddingEvent): { step: DegradationStep; reason: string } | null {
  switch (event.type) {
    case 'recycled':
      // Below the limit it was the governor's doing, who tells of it.
      if (event.rssBytes <= event.limitBytes) return null;
      return { step: 'embedder-recycled', reason: 'an embedding process had grown past its share' };
    case 'crashed':
      return {
        step: 'embedder-restarted',
        reason: 'an embedding process died, or could not go on, and was started again',
      };
    case 'over-limit':
      return {
        step: 'embedder-over-share',
        reason: 'the model alone takes more than its share of the budget',
      };
    case 'fallback':
      return { step: 'device-fallback', reason: 'the device could not run some texts, and the CPU did' };
    case 'retried':
      return {
        step: 'server-retried',
        reason: 'the embedding server failed or was busy, and was asked again',
      };
    case 'batch-reduced':
      return { step: 'batch-reduced', reason: 'the embedding server takes fewer texts at a time' };
    default:
      return null;
  }
}

/** What in the tree is the index itself. */
function ownFiles({ indexDir }: UpdateRequest): string[] {
  return isRemote(indexDir) ? [] : [indexDir];
}
