/**
 * A module, named by its path below src, for a process or thread of its own: `.js` once built, `.ts` in the source tree. With
 * TIDEMARK_TEST_BUILT what runs from source starts what is built of it, in half the time.
 */
export function entryPoint(name: string): URL {
  // Once bundled, this module lies in another folder of the same depth.
  if (!import.meta.url.endsWith('.ts')) return new URL(`../${name}.js`, import.meta.url);
  if (process.env.TIDEMARK_TEST_BUILT === undefined) return new URL(`../${name}.ts`, import.meta.url);
  return new URL(`../../dist/src/${name}.js`, import.meta.url);
}
