import { BUNDLED_IDENTITY } from '../embed/bundled-model.ts';
import { Embedder, type EmbedderEvent } from '../embed/embedder.ts';
import { defaultBudgetBytes, MemoryBudget, planMemory } from '../memory/budget.ts';
import { machineLimits } from '../memory/machine.ts';
import { PeakSampler } from '../memory/sampler.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { walk } from '../walk/walk.ts';
import type { IndexEvent } from './events.ts';
import { runLexicalLane } from './lexical-lane.ts';
import { runSemanticLane } from './semantic-lane.ts';
import { SummaryBuilder } from './summary.ts';
import { CHUNKER_VERSION, TIDEMARK_VERSION } from './versions.ts';

export interface UpdateRequest {
  /** Real path of the tree. */
  readonly root: string;
  /** Absolute path of the index directory. */
  readonly indexDir: string;
  /** The index lies outside of the tree, and is bound to it. */
  readonly outside: boolean;
  /** Budget for the process tree in bytes; by default a share of the machine. */
  readonly memoryBytes: number | undefined;
  readonly embed: boolean;
  readonly embedder: { readonly model?: string; readonly device?: 'auto' | 'cpu' | 'wasm' | 'webgpu' };
  /** Count the files first to tell how many there are, at the cost of a second walk. */
  readonly countAhead: boolean;
  readonly signal: AbortSignal;
}

/**
 * Brings the index up to date with the tree: the lexical lane, then the semantic one, so that the peak is the larger of
 * the two. Takes the writer's lock for its whole time. Leaving it early is safe at any moment.
 */
export async function* runUpdate(request: UpdateRequest): AsyncGenerator<IndexEvent> {
  const { embed, signal } = request;
  signal.throwIfAborted();
  const budgetBytes = request.memoryBytes ?? defaultBudgetBytes();
  const plan = planMemory(budgetBytes, { embed, cores: machineLimits().cores });
  using sampler = new PeakSampler();
  const summary = new SummaryBuilder();
  const held: IndexEvent[] = [];
  await using store = await openStore(request.indexDir, {
    create: true,
    mode: 'write',
    ...(request.outside ? { root: request.root } : {}),
    versions: { tidemark: TIDEMARK_VERSION, chunker: CHUNKER_VERSION },
  });
  const newEmbedder = () =>
    new Embedder({
      ...request.embedder,
      processes: Math.max(1, plan.embedders),
      ...(plan.embedderBytes > 0 ? { maxChildRssBytes: plan.embedderBytes } : {}),
      onEvent: (event) => {
        const step = degradation(event);
        if (step === null) return;
        summary.degrade(step.step, step.reason);
        held.push({ type: 'degraded', ...step });
      },
    });
  // A model or device that will not do is refused before an hour's work and not after.
  if (embed) await checkModel(store, request, newEmbedder, signal);

  const count = request.countAhead ? new FileCount(request, signal) : null;
  try {
    yield* runLexicalLane({
      root: request.root,
      exclude: [request.indexDir],
      store,
      outdated: store.meta().chunker !== CHUNKER_VERSION,
      inFlight: new MemoryBudget(plan.inFlightBytes),
      flushBytes: plan.flushBytes,
      parsers: plan.parsers,
      parserHeapBytes: plan.parserHeapBytes,
      summary,
      signal,
      total: () => count?.total ?? null,
    });
  } finally {
    await count?.stop();
  }
  await store.setChunker(CHUNKER_VERSION);
  yield { type: 'maintenance' };
  await store.maintain();
  signal.throwIfAborted();

  if (embed && (await store.counts()).files.pending.files > 0) {
    await using embedder = newEmbedder();
    const { id: model, dtype, device, dimensions } = await embedder.start(signal);
    await store.setModel({ id: model, dtype, dimensions });
    summary.embedder = { model, device, dimensions };
    for await (const event of runSemanticLane({ store, embedder, summary, signal })) {
      yield* held.splice(0);
      yield event;
    }
    await embedder.dispose();
    yield { type: 'maintenance' };
    await store.buildVectorIndexIfWorthIt();
  } else if (embed && store.meta().model !== null) {
    const { id, dimensions } = store.meta().model!;
    summary.embedder = { model: id, device: 'cpu', dimensions };
  }
  summary.chunks.pending = (await store.counts()).files.pending.chunks;
  yield* held.splice(0);
  sampler.sample();
  yield { type: 'done', summary: summary.finish({ peakRssBytes: sampler.peakBytes, budgetBytes }) };
}

/** The bundled model is known without loading it; another one has to be loaded, if only to see that it can be. */
async function checkModel(
  store: Store,
  request: UpdateRequest,
  newEmbedder: () => Embedder,
  signal: AbortSignal,
): Promise<void> {
  await using embedder = newEmbedder();
  if (request.embedder.model === undefined) {
    store.assertModel(BUNDLED_IDENTITY);
    return;
  }
  const { id, dtype, dimensions } = await embedder.start(signal);
  store.assertModel({ id, dtype, dimensions });
}

function degradation(event: EmbedderEvent): { step: string; reason: string } | null {
  switch (event.type) {
    case 'recycled':
      return { step: 'embedder-recycled', reason: 'an embedding process had grown past its share' };
    case 'crashed':
      return { step: 'embedder-restarted', reason: 'an embedding process died and was started again' };
    case 'over-limit':
      return {
        step: 'embedder-over-share',
        reason: 'the model alone takes more than its share of the budget',
      };
    default:
      return null;
  }
}

/** Walks ahead to count the files, for an estimate of the time left. */
class FileCount {
  total: number | null = null;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(request: UpdateRequest, signal: AbortSignal) {
    this.#done = this.#count(request, AbortSignal.any([signal, this.#stop.signal]));
  }

  async #count({ root, indexDir }: UpdateRequest, signal: AbortSignal): Promise<void> {
    try {
      let files = 0;
      for await (const _ of walk(root, { exclude: [indexDir], signal })) files++;
      this.total = files;
    } catch {
      // The lane itself reports what is wrong; here it only means that the total stays unknown.
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}
