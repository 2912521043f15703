/**
 * The module `name` beside the module whose `import.meta.url` is given, for a process or thread of its own: `.js` once
 * built, `.ts` in the source tree. With TIDEMARK_TEST_BUILT what runs from source starts what is built of it, in half
 * the time.
 */
export function entryPoint(moduleUrl: string, name: string): URL {
  if (!moduleUrl.endsWith('.ts')) return new URL(`./${name}.js`, moduleUrl);
  const source = new URL(`./${name}.ts`, moduleUrl);
  if (process.env.TIDEMARK_TEST_BUILT === undefined) return source;
  const root = new URL('../../', import.meta.url).href;
  return new URL(`dist/${source.href.slice(root.length, -'.ts'.length)}.js`, root);
}
