import { OnnxGraph } from './onnx-graph.ts';
import type { LazyBytes } from './protobuf.ts';
import { dequantize, type QuantizedTensor, type TfjsWeights, zeroPoint } from './tfjs-weights.ts';

/** `q8`: 8-bit weights, activations quantized at run time. `fp32`: everything in 32-bit floats. */
export type Dtype = 'q8' | 'fp32';

export const MINILM = {
  layers: 6,
  heads: 12,
  hidden: 384,
  intermediate: 1536,
  vocabulary: 30522,
  positions: 512,
  layerNormEpsilon: 1e-12,
} as const;

const PREFIX = 'StatefulPartitionedCall/model/tf_bert_model/bert/';
/** Added to the scores of padding, as in the original graph. */
const MASKED_SCORE = -10000;

/** A model, and the file beside it that its large tensors lie in. */
export interface SplitModel {
  readonly graph: LazyBytes;
  readonly data: LazyBytes;
}

/**
 * all-MiniLM-L6-v2 as an ONNX model, with its large tensors in `dataFile` beside it: int64 `input_ids` and
 * `attention_mask` [batch, sequence] in, float `last_hidden_state` [batch, sequence, 384] out. Token type 0 is folded into
 * the positions. The encoder is that of BERT (https://arxiv.org/abs/1810.04805), post-norm, GELU with the exact erf.
 */
export function buildMiniLm(weights: TfjsWeights, dtype: Dtype, dataFile: string): SplitModel {
  return new MiniLmBuilder(weights, dtype, dataFile).build();
}

class MiniLmBuilder {
  readonly #graph: OnnxGraph;
  readonly #weights: TfjsWeights;
  readonly #dtype: Dtype;

  constructor(weights: TfjsWeights, dtype: Dtype, dataFile: string) {
    this.#graph = new OnnxGraph(dataFile);
    this.#weights = weights;
    this.#dtype = dtype;
  }

  build(): SplitModel {
    const graph = this.#graph;
    const ids = graph.input('input_ids', 'int64', ['batch', 'sequence']);
    const mask = graph.input('attention_mask', 'int64', ['batch', 'sequence']);
    graph.int64s('split_heads', [0, 0, MINILM.heads, MINILM.hidden / MINILM.heads]);
    graph.int64s('merge_heads', [0, 0, MINILM.hidden]);
    graph.floats('head_scale', [], [1 / Math.sqrt(MINILM.hidden / MINILM.heads)]);
    graph.floats('one', [], [1]);
    graph.floats('half', [], [0.5]);
    graph.floats('sqrt_two', [], [Math.SQRT2]);

    const scores = this.#maskScores(mask);
    let state = this.#embeddings(ids);
    for (let layer = 0; layer < MINILM.layers; layer++) {
      const base = `encoder/layer_._${layer}/`;
      const attended = this.#attention(`${base}attention/`, state, scores);
      state = this.#layerNorm(`${base}attention/output/LayerNorm`, graph.node('Add', [attended, state]));
      const raised = this.#dense(`${base}intermediate/dense`, this.#activation(state), [
        MINILM.hidden,
        MINILM.intermediate,
      ]);
      const lowered = this.#dense(`${base}output/dense`, this.#activation(this.#gelu(raised)), [
        MINILM.intermediate,
        MINILM.hidden,
      ]);
      state = this.#layerNorm(`${base}output/LayerNorm`, graph.node('Add', [lowered, state]));
    }
    graph.output('last_hidden_state', state, 'float', ['batch', 'sequence', MINILM.hidden]);
    return { graph: graph.serialize(`all-MiniLM-L6-v2 ${this.#dtype}`), data: graph.data() };
  }

  #embeddings(ids: string): string {
    const graph = this.#graph;
    const words = this.#weights.tensor('unknown', [MINILM.vocabulary, MINILM.hidden]);
    const positions = this.#weights.tensor('unknown_0', [MINILM.positions, MINILM.hidden]);
    const types = this.#weights.tensor('unknown_1', [2, MINILM.hidden]);
    const folded = Array.from(positions.data, (value, index) => {
      const type = types.data[index % MINILM.hidden]! * types.scale + types.min;
      return value * positions.scale + positions.min + type;
    });
    const table = graph.floats('positions', positions.shape, folded);
    const length = graph.node('Gather', [graph.node('Shape', [ids]), graph.int64s('axis_one', [1])]);
    const rows = graph.node('Slice', [
      table,
      graph.int64s('from', [0]),
      length,
      graph.int64s('axis_zero', [0]),
    ]);
    return this.#layerNorm('embeddings/LayerNorm', graph.node('Add', [this.#words(words, ids), rows]));
  }

  #words(words: QuantizedTensor, ids: string): string {
    const graph = this.#graph;
    if (this.#dtype === 'fp32') return graph.node('Gather', [this.#matrix('words', words), ids]);
    const rows = graph.node('Gather', [graph.tensor('words', 'uint8', words.shape, words.data), ids]);
    return graph.node('DequantizeLinear', [rows, ...this.#scaleAndZero('words', words)]);
  }

  /** [batch, 1, 1, sequence]: 0 for a token, {@link MASKED_SCORE} for padding. */
  #maskScores(mask: string): string {
    const graph = this.#graph;
    const wide = graph.node('Unsqueeze', [mask, graph.int64s('mask_axes', [1, 2])]);
    const padding = graph.node('Sub', ['one', graph.node('Cast', [wide], { to: { int: 1 } })]);
    return graph.node('Mul', [padding, graph.floats('masked_score', [], [MASKED_SCORE])]);
  }

  #attention(base: string, state: string, maskScores: string): string {
    const graph = this.#graph;
    const shape = [MINILM.hidden, MINILM.hidden] as const;
    const input = this.#activation(state);
    const heads = (name: string, perm: readonly number[]): string => {
      const flat = this.#dense(`${base}self/${name}`, input, shape);
      return graph.node('Transpose', [graph.node('Reshape', [flat, 'split_heads'])], {
        perm: { ints: perm },
      });
    };
    const query = heads('query', [0, 2, 1, 3]);
    const key = heads('key', [0, 2, 3, 1]);
    const value = heads('value', [0, 2, 1, 3]);
    const scaled = graph.node('Mul', [graph.node('MatMul', [query, key]), 'head_scale']);
    const weights = graph.node('Softmax', [graph.node('Add', [scaled, maskScores])], { axis: { int: -1 } });
    const context = graph.node('Transpose', [graph.node('MatMul', [weights, value])], {
      perm: { ints: [0, 2, 1, 3] },
    });
    const merged = graph.node('Reshape', [context, 'merge_heads']);
    return this.#dense(`${base}output/dense`, this.#activation(merged), shape);
  }

  /** What a dense layer reads: the value itself, or for q8 its [uint8 value, scale, zero-point]. */
  #activation(value: string): readonly string[] {
    return this.#dtype === 'fp32' ? [value] : this.#graph.nodes('DynamicQuantizeLinear', [value], 3);
  }

  #dense(name: string, input: readonly string[], shape: readonly [number, number]): string {
    const graph = this.#graph;
    const weight = this.#weights.tensor(`${PREFIX}${name}/Tensordot/ReadVariableOp`, shape);
    const bias = this.#vector(`${name}/BiasAdd/ReadVariableOp`, shape[1]);
    const [value, scale, zero] = input;
    if (scale === undefined || zero === undefined) {
      return graph.node('Add', [graph.node('MatMul', [value!, this.#matrix(name, weight)]), bias]);
    }
    const quantized = graph.tensor(name, 'uint8', weight.shape, weight.data);
    const [weightScale, weightZero] = this.#scaleAndZero(name, weight);
    const product = graph.node('MatMulInteger', [value!, quantized, zero, weightZero]);
    const float = graph.node('Cast', [product], { to: { int: 1 } });
    // The order in which onnxruntime looks for its fused MatMulIntegerToFloat.
    const scaled = graph.node('Mul', [float, graph.node('Mul', [scale, weightScale])]);
    return graph.node('Add', [scaled, bias]);
  }

  #gelu(value: string): string {
    const graph = this.#graph;
    const erf = graph.node('Erf', [graph.node('Div', [value, 'sqrt_two'])]);
    const gate = graph.node('Add', [erf, 'one']);
    return graph.node('Mul', [graph.node('Mul', [value, gate]), 'half']);
  }

  #layerNorm(name: string, value: string): string {
    const gamma = this.#vector(`${name}/batchnorm/mul/ReadVariableOp`, MINILM.hidden);
    const beta = this.#vector(`${name}/batchnorm/ReadVariableOp`, MINILM.hidden);
    return this.#graph.node('LayerNormalization', [value, gamma, beta], {
      axis: { int: -1 },
      epsilon: { float: MINILM.layerNormEpsilon },
    });
  }

  #vector(name: string, size: number): string {
    return this.#matrix(name, this.#weights.tensor(`${PREFIX}${name}`, [size]));
  }

  #matrix(name: string, tensor: QuantizedTensor): string {
    const data = { length: tensor.data.length * 4, produce: () => dequantize(tensor) };
    return this.#graph.tensor(name, 'float', tensor.shape, data);
  }

  #scaleAndZero(name: string, tensor: QuantizedTensor): [string, string] {
    const scale = this.#graph.floats(`${name}/scale`, [], [tensor.scale]);
    const zero = this.#graph.tensor(`${name}/zero`, 'uint8', [], Uint8Array.of(zeroPoint(tensor)));
    return [scale, zero];
  }
}
