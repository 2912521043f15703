import { type Definition, MAX_START_DEPTH } from '../../grammars/definitions.ts';
import type { SyntaxMatch, SyntaxNode, SyntaxRange, SyntaxTree } from '../../grammars/syntax-tree.ts';
import { type Level, levelsAt } from './headers.ts';
import { languageByName } from './languages.ts';
import type { SyntaxParser } from './syntax-parser.ts';
import { treeDefinitions } from './tree-definitions.ts';
import { type Ending, endingOf, endsInError, nestedTooDeep } from './unfinished.ts';

/** Text in another language than the file around it: a script in a page, a fenced block in a document. */
export interface EmbeddedRegion {
  readonly start: number;
  readonly end: number;
  /** Canonical name. */
  readonly language: string;
  /** Null where the text was not parsed. The owner of the region deletes it. */
  readonly tree: SyntaxTree | null;
  readonly definitions: readonly Definition[];
}

/** Gives the grammar of a language, ready to parse; null where there is none. */
export type GrammarSource = (language: string) => Promise<SyntaxParser | null>;

/**
 * Finds what is embedded in `tree` and parses it, with positions of the outer text. A region for which `skip` is true
 * keeps its language and is not parsed. The caller deletes the trees.
 */
export async function embeddedRegions(
  tree: SyntaxTree,
  outer: SyntaxParser,
  text: string,
  source: GrammarSource,
  skip: (start: number, end: number) => boolean,
): Promise<EmbeddedRegion[]> {
  if (outer.embedded === null) return [];
  const found = new Map<number, { node: SyntaxNode; language: string; named: boolean }>();
  for (const match of outer.embedded.matches(tree.rootNode, { maxStartDepth: MAX_START_DEPTH })) {
    const region = regionOf(match);
    if (region === null) continue;
    const earlier = found.get(region.node.id);
    if (earlier === undefined || region.named) found.set(region.node.id, region);
  }
  const regions: EmbeddedRegion[] = [];
  try {
    for (const { node, language: word } of [...found.values()].sort(
      (a, b) => a.node.startIndex - b.node.startIndex,
    )) {
      const language = embeddedLanguage(word);
      if (language === null || node.startIndex < (regions.at(-1)?.end ?? 0)) continue;
      const place = { start: node.startIndex, end: node.endIndex, language };
      const grammar = skip(place.start, place.end) ? null : await source(language);
      const ranges = rangesOf(node);
      const parsed = ranges.map(({ startIndex, endIndex }) => text.slice(startIndex, endIndex)).join('');
      const inner =
        grammar === null || nestedTooDeep(parsed, grammar.grammar)
          ? null
          : await grammar.parse(text, { ranges });
      regions.push({ ...place, tree: inner, definitions: [] });
      if (grammar === null || inner === null) continue;
      regions[regions.length - 1] = { ...place, tree: inner, definitions: treeDefinitions(grammar, inner) };
    }
    return regions;
  } catch (error) {
    deleteRegions(regions);
    throw error;
  }
}

export function deleteRegions(regions: readonly EmbeddedRegion[]): void {
  for (const { tree } of regions) tree?.delete();
}

/** The region with a tree that holds `at` in its inside or on its end; undefined where there is none. */
export function regionAt(regions: readonly EmbeddedRegion[], at: number): EmbeddedRegion | undefined {
  return regions.find(({ start, end, tree }) => tree !== null && start < at && at <= end);
}

/** As {@link levelsAt}, with what is open in an embedded text behind what is open around it. */
export function allLevelsAt(
  tree: SyntaxTree,
  regions: readonly EmbeddedRegion[],
  text: string,
  at: number,
  to: number,
): Level[] {
  const region = regionAt(regions, at);
  const inner = region?.tree;
  return [...levelsAt(tree, text, at, to, region?.start), ...(inner ? levelsAt(inner, text, at, to) : [])];
}

/** As {@link endsInError}, for the tree that the end of the text lies in. */
export function anyEndsInError(
  tree: SyntaxTree,
  regions: readonly EmbeddedRegion[],
  end: number,
  large: number,
): boolean {
  const inner = regionAt(regions, end)?.tree;
  return endsInError(tree, end, large) || (inner ? endsInError(inner, end, large) : false);
}

/** As {@link endingOf}, for the tree that the end of the text lies in. */
export function anyEnding(
  tree: SyntaxTree,
  regions: readonly EmbeddedRegion[],
  text: string,
  to: number,
  room: number,
): Ending {
  const inner = regionAt(regions, to)?.tree;
  const outer = endingOf(tree, text, to, room);
  if (!inner) return outer;
  const { end, closers } = endingOf(inner, text, to, room);
  return { end, closers: closers + outer.closers };
}

function regionOf(match: SyntaxMatch): { node: SyntaxNode; language: string; named: boolean } | null {
  let node: SyntaxNode | undefined;
  let fallback = '';
  let named: string | undefined;
  for (const capture of match.captures) {
    if (capture.name === 'language') named = capture.node.text;
    else if (capture.name.startsWith('content')) {
      node = capture.node;
      fallback = capture.name.slice('content.'.length);
    }
  }
  if (node === undefined || node.endIndex === node.startIndex) return null;
  return { node, language: named ?? fallback, named: named !== undefined };
}

/** `ts`, `text/typescript`, `application/ld+json`, `module`, `python {.numberLines}` -> a canonical name. */
function embeddedLanguage(word: string): string | null {
  const bare = /^[\s.{]*(?:(?:text|application)\/)?(?:x-)?(?:[\w-]+\+)?([\w#+-]+)/.exec(
    word.toLowerCase(),
  )?.[1];
  if (bare === undefined) return null;
  if (bare === 'module' || bare === 'babel' || bare === 'ecmascript') return 'javascript';
  if (bare === 'importmap' || bare === 'speculationrules') return 'json';
  return languageByName(bare)?.name ?? null;
}

/** The node without what its grammar counts as prefix of a line (`> ` before a fenced block in a quotation). */
function rangesOf(node: SyntaxNode): SyntaxRange[] {
  const ranges: SyntaxRange[] = [];
  let { startIndex, startPosition } = node;
  for (const child of node.namedChildren) {
    if (child?.type !== 'block_continuation') continue;
    if (child.endIndex > child.startIndex) {
      if (child.startIndex > startIndex) {
        ranges.push({
          startIndex,
          startPosition,
          endIndex: child.startIndex,
          endPosition: child.startPosition,
        });
      }
      startIndex = child.endIndex;
      startPosition = child.endPosition;
    }
  }
  if (node.endIndex > startIndex) {
    ranges.push({ startIndex, startPosition, endIndex: node.endIndex, endPosition: node.endPosition });
  }
  return ranges;
}
