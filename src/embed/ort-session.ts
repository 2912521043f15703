import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { MemoryBudget } from '../memory/budget.ts';
import type { BackendSession, HiddenVisitor } from './backend.ts';

/** What all builds of onnxruntime have in common. */
export type Ort = Pick<typeof import('onnxruntime-node'), 'InferenceSession' | 'Tensor'>;

const KNOWN_INPUTS = new Set(['input_ids', 'attention_mask', 'token_type_ids', 'position_ids']);
/** What a decoder remembers of earlier tokens; here there are none. */
const PAST = /^past_key_values\./;
const OUTPUT_NAMES = ['last_hidden_state', 'token_embeddings'];
/** Tensors of runs at the same time: the states of the largest batch. A run that needs more goes alone. */
const TENSOR_BYTES = 16 * 1024 * 1024;

/** An encoder in onnxruntime: token ids in, hidden states out. */
export class OrtSession implements BackendSession {
  readonly #ort: Ort;
  readonly #session: InferenceSession;
  readonly #output: string;
  readonly #budget = new MemoryBudget(TENSOR_BYTES);
  /** Of a hidden state; 0 where the model does not tell before it has run. */
  #dimensions: number;
  #live = 0;

  private constructor(ort: Ort, session: InferenceSession, output: string) {
    this.#ort = ort;
    this.#session = session;
    this.#output = output;
    const metadata = session.outputMetadata.find(({ name }) => name === output);
    const size = metadata?.isTensor ? metadata.shape.at(-1) : undefined;
    this.#dimensions = typeof size === 'number' ? size : 0;
  }

  /** @throws Error when the file is not a model, or not an encoder */
  static async open(
    ort: Ort,
    onnxPath: string,
    options: InferenceSession.SessionOptions,
  ): Promise<OrtSession> {
    const session = await ort.InferenceSession.create(onnxPath, options);
    const output = OUTPUT_NAMES.find((name) => session.outputNames.includes(name));
    const unknown = session.inputNames.filter((name) => !KNOWN_INPUTS.has(name) && !PAST.test(name));
    if (output && unknown.length === 0 && session.inputNames.includes('input_ids')) {
      return new OrtSession(ort, session, output);
    }
    await session.release();
    throw new Error(
      `not a text encoder: inputs ${session.inputNames.join(', ')}, outputs ${session.outputNames.join(', ')}`,
    );
  }

  get liveTensors(): number {
    return this.#live;
  }

  async run(sequences: readonly (readonly number[])[], visit: HiddenVisitor): Promise<void> {
    const rows = sequences.length;
    const columns = Math.max(...sequences.map((sequence) => sequence.length));
    using _ = await this.#budget.take(this.#tensorBytes(rows, columns), 'tensors');
    const owned: Tensor[] = [];
    const own = (tensor: Tensor): Tensor => {
      owned.push(tensor);
      this.#live++;
      return tensor;
    };
    try {
      const feeds: Record<string, Tensor> = {};
      for (const input of this.#session.inputMetadata) {
        const { name } = input;
        feeds[name] = own(
          PAST.test(name)
            ? this.#empty(input, rows)
            : new this.#ort.Tensor('int64', fill(name, sequences, columns), [rows, columns]),
        );
      }
      const results = await this.#session.run(feeds, [this.#output]);
      const hidden = own(results[this.#output]!);
      const [batch, length, dimensions] = hidden.dims;
      if (hidden.type !== 'float32' || batch !== rows || length !== columns || !dimensions) {
        throw new Error(`the model gave ${hidden.type} [${hidden.dims.join(', ')}]`);
      }
      this.#dimensions = dimensions;
      const data = hidden.data as Float32Array;
      for (let row = 0; row < rows; row++) {
        visit(row, data.subarray(row * length * dimensions, (row + 1) * length * dimensions), dimensions);
      }
    } finally {
      for (const tensor of owned) {
        tensor.dispose();
        this.#live--;
      }
    }
  }

  async release(): Promise<void> {
    await this.#session.release();
    this.#budget[Symbol.dispose]();
  }

  /** The ids and their like in 8 bytes each, and the hidden states in 4. What the layers hold within is the session's own. */
  #tensorBytes(rows: number, columns: number): number {
    const inputs = this.#session.inputNames.filter((name) => KNOWN_INPUTS.has(name)).length;
    return rows * columns * (8 * inputs + 4 * this.#dimensions);
  }

  /** Of its dimensions those that have a name are the batch and the length, which is 0. */
  #empty(input: InferenceSession.ValueMetadata, rows: number): Tensor {
    if (!input.isTensor) throw new Error(`the input ${input.name} is no tensor`);
    const dims = input.shape.map((size, axis) => (typeof size === 'number' ? size : axis === 0 ? rows : 0));
    const data = input.type === 'float16' ? new Uint16Array(0) : new Float32Array(0);
    return new this.#ort.Tensor(input.type, data, dims);
  }
}

function fill(input: string, sequences: readonly (readonly number[])[], columns: number): BigInt64Array {
  const data = new BigInt64Array(sequences.length * columns);
  if (input === 'token_type_ids') return data;
  sequences.forEach((sequence, row) => {
    for (let column = 0; column < sequence.length; column++) {
      const value = input === 'input_ids' ? sequence[column]! : input === 'position_ids' ? column : 1;
      data[row * columns + column] = BigInt(value);
    }
  });
  return data;
}
