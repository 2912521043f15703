import { parseDefinitions } from '../chunk/index-terms.ts';
import type { ChunkHit } from '../store/schema.ts';
import type { SymbolName } from './question.ts';

const QUALIFIER = /::|[.#\\]/;
/** Kinds that name something that is defined elsewhere, or no more than a place in data or prose. */
const MENTIONS = new Set([
  'impl',
  'extension',
  'instance',
  'namespace',
  'package',
  'section',
  'key',
  'element',
]);
/** Kinds that mostly belong to something larger, which the query would have named. */
const MEMBERS = new Set(['method', 'constructor', 'property', 'constant', 'variable', 'field', 'event']);

/** How well a chunk begins the definition of what is asked for by name: 0 to 1. */
export function definitionMatch({ name, scopes }: SymbolName, row: ChunkHit): number {
  let best = 0;
  for (const { kind, name: full } of parseDefinitions(row.definitions ?? null)) {
    const last = full.split(QUALIFIER).at(-1)!;
    if (last.toLowerCase() !== name.toLowerCase()) continue;
    const spelling = last === name ? 1 : 0.6;
    const weight = MENTIONS.has(kind) ? 0.3 : MEMBERS.has(kind) ? 0.6 : 1;
    best = Math.max(best, spelling * weight * placeMatch(scopes, row, full));
  }
  return best;
}

/** Without a scope in the query what stands alone comes first; with one, what lies in it or in a file of that name. */
function placeMatch(scopes: readonly string[], { scope, path }: ChunkHit, full: string): number {
  if (scopes.length === 0) return scope == null ? 1 : 0.8;
  const around = `${scope ?? ''} ${full} ${path}`.toLowerCase();
  const there = scopes.filter((part) => around.includes(part.toLowerCase())).length;
  return 0.5 + (0.5 * there) / scopes.length;
}
