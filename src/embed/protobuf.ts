/** Bytes that are made only when they are written, so that a large tensor is never held as a whole. */
export interface LazyBytes {
  /** In bytes; `produce()` yields exactly that many. */
  readonly length: number;
  produce(): Iterable<Uint8Array>;
}

export type ProtoPart = Uint8Array | LazyBytes;

/** The bytes of all parts, one after the other. */
export function* produced(parts: readonly ProtoPart[]): Generator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Uint8Array) yield part;
    else yield* part.produce();
  }
}

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

/**
 * Writes one Protocol Buffers message as a list of parts.
 * Source of the encoding: https://protobuf.dev/programming-guides/encoding/
 */
export class ProtoWriter {
  readonly parts: ProtoPart[] = [];
  /** Length of the message so far, in bytes. */
  length = 0;

  /** A safe integer; a negative one takes ten bytes, as the format has it. */
  integer(field: number, value: number): void {
    this.#push(Uint8Array.from([...varint(field * 8 + WIRE_VARINT), ...varint(value)]));
  }

  /** Repeated integers in the packed form. */
  integers(field: number, values: readonly number[]): void {
    this.bytes(field, Uint8Array.from(values.flatMap((value) => varint(value))));
  }

  float(field: number, value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#push(Uint8Array.from([...varint(field * 8 + WIRE_FIXED32), ...bytes]));
  }

  string(field: number, value: string): void {
    this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, part: ProtoPart): void {
    this.#push(Uint8Array.from([...varint(field * 8 + WIRE_BYTES), ...varint(part.length)]));
    this.#push(part);
  }

  message(field: number, write: (writer: ProtoWriter) => void): void {
    const inner = new ProtoWriter();
    write(inner);
    this.#push(Uint8Array.from([...varint(field * 8 + WIRE_BYTES), ...varint(inner.length)]));
    for (const part of inner.parts) this.#push(part);
  }

  produce(): Iterable<Uint8Array> {
    return produced(this.parts);
  }

  #push(part: ProtoPart): void {
    this.parts.push(part);
    this.length += part.length;
  }
}

function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}
