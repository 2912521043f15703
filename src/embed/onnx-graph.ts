import { type LazyBytes, type ProtoPart, ProtoWriter, produced } from './protobuf.ts';

/** `TensorProto.DataType` of the types that are used here. */
export const ONNX_TYPE = { float: 1, uint8: 2, int64: 7 } as const;
export type OnnxType = keyof typeof ONNX_TYPE;

type Attribute = { readonly int: number } | { readonly ints: readonly number[] } | { readonly float: number };

const IR_VERSION = 8;
const OPSET = 17;
/** `TensorProto.DataLocation`. */
const EXTERNAL = 1;
/** Smaller tensors stay in the graph. */
const EXTERNAL_BYTES = 64 * 1024;
/** What a mapping may begin at on every system (https://github.com/onnx/onnx/blob/main/docs/ExternalData.md). */
const EXTERNAL_ALIGNMENT = 64 * 1024;

/**
 * Builds an ONNX model node by node. Field numbers are those of onnx.proto3
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
 */
export class OnnxGraph {
  readonly #nodes: ((writer: ProtoWriter) => void)[] = [];
  readonly #initializers: ((writer: ProtoWriter) => void)[] = [];
  readonly #inputs: ((writer: ProtoWriter) => void)[] = [];
  readonly #outputs: ((writer: ProtoWriter) => void)[] = [];
  readonly #external: ProtoPart[] = [];
  #externalBytes = 0;
  readonly #dataFile: string | null;
  #names = 0;

  /**
   * @param dataFile name of the file beside the model that large tensors are to lie in; null: they lie in the model. What a
   * runtime only looks up it leaves in such a file, mapped, and copies the rest once, where it copies a model twice.
   */
  constructor(dataFile: string | null = null) {
    this.#dataFile = dataFile;
  }

  /** Adds a node; returns the names of its outputs. */
  nodes(
    operator: string,
    inputs: readonly string[],
    outputCount: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string[] {
    const name = `${operator}_${this.#names++}`;
    const outputs = Array.from({ length: outputCount }, (_, index) => `${name}:${index}`);
    this.#nodes.push((writer) => {
      for (const input of inputs) writer.string(1, input);
      for (const output of outputs) writer.string(2, output);
      writer.string(3, name);
      writer.string(4, operator);
      for (const [key, value] of Object.entries(attributes)) {
        writer.message(5, (inner) => writeAttribute(inner, key, value));
      }
    });
    return outputs;
  }

  /** Adds a node with one output; returns its name. */
  node(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    return this.nodes(operator, inputs, 1, attributes)[0]!;
  }

  /** Adds a constant tensor, its data row-major and little-endian; returns its name. */
  tensor(name: string, type: OnnxType, shape: readonly number[], data: ProtoPart): string {
    const place = this.#outside(data);
    this.#initializers.push((writer) => {
      writer.integers(1, shape);
      writer.integer(2, ONNX_TYPE[type]);
      writer.string(8, name);
      if (place === null) writer.bytes(9, data);
      else {
        for (const [key, value] of Object.entries(place)) {
          writer.message(13, (entry) => {
            entry.string(1, key);
            entry.string(2, String(value));
          });
        }
        writer.integer(14, EXTERNAL);
      }
    });
    return name;
  }

  /** Puts a large tensor into the data file, where there is one; returns its place there, or null. */
  #outside(data: ProtoPart): { location: string; offset: number; length: number } | null {
    if (this.#dataFile === null || data.length < EXTERNAL_BYTES) return null;
    const padding = -this.#externalBytes & (EXTERNAL_ALIGNMENT - 1);
    const offset = this.#externalBytes + padding;
    this.#external.push(new Uint8Array(padding), data);
    this.#externalBytes = offset + data.length;
    return { location: this.#dataFile, offset, length: data.length };
  }

  floats(name: string, shape: readonly number[], values: readonly number[]): string {
    const bytes = new Uint8Array(values.length * 4);
    const view = new DataView(bytes.buffer);
    values.forEach((value, index) => {
      view.setFloat32(index * 4, value, true);
    });
    return this.tensor(name, 'float', shape, bytes);
  }

  int64s(name: string, values: readonly number[]): string {
    const bytes = new Uint8Array(values.length * 8);
    const view = new DataView(bytes.buffer);
    values.forEach((value, index) => {
      view.setBigInt64(index * 8, BigInt(value), true);
    });
    return this.tensor(name, 'int64', [values.length], bytes);
  }

  /** A graph input; a dimension is a number, or a name where it varies. */
  input(name: string, type: OnnxType, shape: readonly (number | string)[]): string {
    this.#inputs.push((writer) => writeValueInfo(writer, name, type, shape));
    return name;
  }

  /** Makes `value` a graph output under `name`. */
  output(name: string, value: string, type: OnnxType, shape: readonly (number | string)[]): void {
    this.#nodes.push((writer) => {
      writer.string(1, value);
      writer.string(2, name);
      writer.string(4, 'Identity');
    });
    this.#outputs.push((writer) => writeValueInfo(writer, name, type, shape));
  }

  /** The `ModelProto`, ready to be written; tensors are produced while it is read. */
  serialize(graphName: string): LazyBytes {
    const model = new ProtoWriter();
    model.integer(1, IR_VERSION);
    model.string(2, 'tidemark');
    model.message(7, (graph) => {
      for (const write of this.#nodes) graph.message(1, write);
      graph.string(2, graphName);
      for (const write of this.#initializers) graph.message(5, write);
      for (const write of this.#inputs) graph.message(11, write);
      for (const write of this.#outputs) graph.message(12, write);
    });
    model.message(8, (opset) => {
      opset.string(1, '');
      opset.integer(2, OPSET);
    });
    return model;
  }

  /** What lies in the data file, ready to be written. */
  data(): LazyBytes {
    return { length: this.#externalBytes, produce: () => produced(this.#external) };
  }
}

function writeAttribute(writer: ProtoWriter, name: string, value: Attribute): void {
  writer.string(1, name);
  if ('float' in value) {
    writer.float(2, value.float);
    writer.integer(20, 1);
  } else if ('int' in value) {
    writer.integer(3, value.int);
    writer.integer(20, 2);
  } else {
    writer.integers(8, value.ints);
    writer.integer(20, 7);
  }
}

function writeValueInfo(
  writer: ProtoWriter,
  name: string,
  type: OnnxType,
  shape: readonly (number | string)[],
): void {
  writer.string(1, name);
  writer.message(2, (typeProto) =>
    typeProto.message(1, (tensor) => {
      tensor.integer(1, ONNX_TYPE[type]);
      tensor.message(2, (shapeProto) => {
        for (const size of shape) {
          shapeProto.message(1, (dimension) => {
            if (typeof size === 'number') dimension.integer(1, size);
            else dimension.string(2, size);
          });
        }
      });
    }),
  );
}
