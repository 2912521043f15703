/**
 * A module, named by its path below src, that is loaded by itself, mostly into a process or thread of its own: `.js` once built,
 * `.ts` in the source tree, or `.cjs` in both. With TIDEMARK_TEST_BUILT what runs from source takes what is built of it, in
 * half the time.
 */
export function entryPoint(name: string, extension: 'js' | 'cjs' = 'js'): URL {
  // Once bundled, this module lies in another folder of the same depth.
  if (!import.meta.url.endsWith('.ts')) return new URL(`../${name}.${extension}`, import.meta.url);
  if (process.env.TIDEMARK_TEST_BUILT !== undefined)
    return new URL(`../../dist/src/${name}.${extension}`, import.meta.url);
  return new URL(`../${name}.${extension === 'cjs' ? 'cjs' : 'ts'}`, import.meta.url);
}
