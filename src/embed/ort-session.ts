import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { BackendSession, HiddenVisitor } from './backend.ts';

/** What all builds of onnxruntime have in common. */
export type Ort = Pick<typeof import('onnxruntime-node'), 'InferenceSession' | 'Tensor'>;

const KNOWN_INPUTS = new Set(['input_ids', 'attention_mask', 'token_type_ids']);
const OUTPUT_NAMES = ['last_hidden_state', 'token_embeddings'];

/** An encoder in onnxruntime: token ids in, hidden states out. */
export class OrtSession implements BackendSession {
  readonly #ort: Ort;
  readonly #session: InferenceSession;
  readonly #output: string;
  #live = 0;

  private constructor(ort: Ort, session: InferenceSession, output: string) {
    this.#ort = ort;
    this.#session = session;
    this.#output = output;
  }

  /** @throws Error when the file is not a model, or not an encoder */
  static async open(
    ort: Ort,
    onnxPath: string,
    options: InferenceSession.SessionOptions,
  ): Promise<OrtSession> {
    const session = await ort.InferenceSession.create(onnxPath, options);
    const output = OUTPUT_NAMES.find((name) => session.outputNames.includes(name));
    const unknown = session.inputNames.filter((name) => !KNOWN_INPUTS.has(name));
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
    const owned: Tensor[] = [];
    const own = (tensor: Tensor): Tensor => {
      owned.push(tensor);
      this.#live++;
      return tensor;
    };
    try {
      const feeds: Record<string, Tensor> = {};
      for (const name of this.#session.inputNames) {
        feeds[name] = own(new this.#ort.Tensor('int64', fill(name, sequences, columns), [rows, columns]));
      }
      const results = await this.#session.run(feeds, [this.#output]);
      const hidden = own(results[this.#output]!);
      const [batch, length, dimensions] = hidden.dims;
      if (hidden.type !== 'float32' || batch !== rows || length !== columns || !dimensions) {
        throw new Error(`the model gave ${hidden.type} [${hidden.dims.join(', ')}]`);
      }
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

  release(): Promise<void> {
    return this.#session.release();
  }
}

function fill(input: string, sequences: readonly (readonly number[])[], columns: number): BigInt64Array {
  const data = new BigInt64Array(sequences.length * columns);
  if (input === 'token_type_ids') return data;
  sequences.forEach((sequence, row) => {
    for (let column = 0; column < sequence.length; column++) {
      data[row * columns + column] = input === 'input_ids' ? BigInt(sequence[column]!) : 1n;
    }
  });
  return data;
}
