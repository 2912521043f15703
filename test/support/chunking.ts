import { strict as assert } from 'node:assert';
import type { Chunk } from '../../src/chunk/chunk.ts';

/** Splits a buffer at random places, empty parts included. */
export function* randomCuts(bytes: Buffer, random: () => number, largest: number): Generator<Buffer> {
  let at = 0;
  while (at < bytes.length) {
    const n = Math.floor(random() * largest);
    yield bytes.subarray(at, at + n);
    at += n;
  }
}

/** A small seeded generator (mulberry32): the same seed gives the same tests. */
export function seeded(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Chunks are in order, do not overlap, cover every byte above the space character, and count lines right. */
export function assertCovers(bytes: Buffer, chunks: readonly Chunk[]): void {
  let at = 0;
  let line = 1;
  const countTo = (end: number) => {
    for (; at < end; at++) if (bytes[at] === 10) line++;
  };
  for (const chunk of chunks) {
    assert.ok(chunk.startByte >= at && chunk.endByte > chunk.startByte, `order at byte ${chunk.startByte}`);
    for (let i = at; i < chunk.startByte; i++) assert.ok(bytes[i]! <= 32, `byte ${i} is in no chunk`);
    countTo(chunk.startByte);
    assert.equal(chunk.startLine, line, `first line of the chunk at byte ${chunk.startByte}`);
    countTo(chunk.endByte);
    assert.equal(chunk.endLine, line, `last line of the chunk at byte ${chunk.startByte}`);
  }
  for (let i = at; i < bytes.length; i++) assert.ok(bytes[i]! <= 32, `byte ${i} is in no chunk`);
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
