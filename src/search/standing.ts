import type { Kind } from '../store/schema.ts';
import type { Ranking } from './ranking.ts';

const FOLDER = (names: string) => `(?:^|/)(?:${names})/`;

/** What a path says about its file; each kind stands behind other code, unless the query asks for it. */
const STANDINGS: readonly {
  readonly weight: 'tests' | 'examples' | 'copies';
  readonly path: RegExp;
  readonly asked: RegExp;
}[] = [
  {
    weight: 'tests',
    path: new RegExp(
      [
        FOLDER('tests?|specs?|__tests__|testdata|fixtures?|mocks?|__mocks__|bench|benches|benchmarks?'),
        '(?:^|/)test_[^/]*\\.py$|(?:^|/)conftest\\.py$',
        '[._-](?:tests?|spec|bench)\\.\\w+$',
        '[a-z0-9](?:Tests?|Spec)\\.\\w+$',
      ].join('|'),
    ),
    asked: /\b(?:tests?|testing|specs?|fixtures?|mock(?:s|ing)?|bench\w*)\b/i,
  },
  {
    weight: 'examples',
    path: new RegExp(FOLDER('examples?|demos?|samples?|docs?|playground'), 'i'),
    asked: /\b(?:examples?|demos?|samples?|docs?|documentation|playground)\b/i,
  },
  {
    weight: 'copies',
    path: new RegExp(
      `${FOLDER('vendor|vendored|third_party|node_modules|dist|generated|__generated__')}|${[
        '\\.min\\.\\w+$',
        '[._-](?:generated|gen|pb)\\.\\w+$',
        '_pb2\\w*\\.py$',
        '\\.d\\.[cm]?ts$',
        '\\.pyi$',
        '(?:^|/)(?:package-lock\\.json|pnpm-lock\\.yaml|yarn\\.lock|Cargo\\.lock|go\\.sum)$',
      ].join('|')}`,
    ),
    asked: /\b(?:vendor(?:ed)?|generated|minified|types?|stubs?|lock ?files?|typings|d\.ts|pyi)\b/i,
  },
];
const ASKS_FOR_DOCS = /\b(?:docs?|documentation|readme|guides?|tutorials?|changelog|manual|markdown)\b/i;

/** A factor of at most 1: tests, examples, copies and prose come behind the code that they are about. */
export function standing(path: string, kind: Kind, query: string, ranking: Ranking): number {
  let factor = kind === 'code' || ASKS_FOR_DOCS.test(query) ? 1 : ranking.docs;
  for (const { weight, path: pattern, asked } of STANDINGS)
    if (pattern.test(path) && !asked.test(query)) factor *= ranking[weight];
  return factor;
}

const VERSION_FOLDER = /(^|.*?\/)v(\d+)\//;

/**
 * Tells of the paths at hand which lie in the folder of an older version, where that of a newer one lies beside it: `v3/`
 * beside `v4/`. A version that the query names is not behind.
 */
export function olderVersions(paths: Iterable<string>, query: string): (path: string) => boolean {
  const newest = new Map<string, number>();
  const version = (path: string) => VERSION_FOLDER.exec(path);
  for (const path of paths) {
    const [, before, number] = version(path) ?? [];
    if (before !== undefined) newest.set(before, Math.max(Number(number), newest.get(before) ?? 0));
  }
  return (path) => {
    const [, before, number] = version(path) ?? [];
    if (before === undefined || Number(number) === newest.get(before)) return false;
    return !new RegExp(`\\bv${number}\\b`, 'i').test(query);
  };
}
