import { byPlace, type LiveChunk, type LiveLexicalHit, type SemanticHit } from '../store/live-search.ts';
import { definitionMatch } from './definition-match.ts';
import { nameMatches, pathMatch } from './name-match.ts';
import type { Question } from './question.ts';
import type { Ranking } from './ranking.ts';
import { olderVersions, standing } from './standing.ts';

export interface RankedChunk {
  readonly row: LiveChunk;
  readonly score: number;
}

interface ChunkEvidence {
  readonly row: LiveChunk;
  /** Shares of the best chunk's. */
  words: number;
  meaning: number;
  definition: number;
}

interface FileEvidence {
  readonly chunks: ChunkEvidence[];
  readonly row: LiveChunk;
  /** Its chunks have no vectors yet. */
  pending: boolean;
  words: number;
  meaning: number;
  score: number;
}

/**
 * Puts the candidates of both searches in order. Files are ranked, by all that their chunks show together and by what
 * their names and places say; of each the best chunk stands for it, and the others follow far behind, so that one file
 * does not fill the list. `said` is the part of the query's words that the best chunk by words has.
 */
export function rank(
  question: Question,
  lexical: readonly LiveLexicalHit[],
  semantic: readonly SemanticHit[],
  said: number,
  ranking: Ranking,
): RankedChunk[] {
  const files = gather(question, lexical, semantic);
  const found = { words: lexical.length > 0, meaning: semantic.length > 0 };
  const share = meaningShare(found, said, ranking);
  scoreFiles(question, files, share, ranking);
  const ranked: RankedChunk[] = [];
  for (const { chunks, score } of files.values()) {
    const own = ({ words, meaning, definition }: ChunkEvidence) =>
      (1 - share) * words + share * meaning + ranking.definition * definition;
    const best = chunks.sort((a, b) => own(b) - own(a) || a.row.ordinal - b.row.ordinal)[0]!;
    chunks.forEach((chunk, i) => {
      const part = i === 0 ? 1 : (own(chunk) / (own(best) || 1)) * ranking.repeat ** i;
      ranked.push({ row: chunk.row, score: score * part });
    });
  }
  return ranked.sort((a, b) => b.score - a.score || byPlace(a, b));
}

function gather(
  { symbol }: Question,
  lexical: readonly LiveLexicalHit[],
  semantic: readonly SemanticHit[],
): Map<string, FileEvidence> {
  const files = new Map<string, FileEvidence>();
  const chunks = new Map<string, ChunkEvidence>();
  const evidence = (row: LiveChunk, pending: boolean): ChunkEvidence => {
    const key = `${row.seq}:${row.ordinal}`;
    const known = chunks.get(key);
    if (known !== undefined) return known;
    const definition = symbol === null ? 0 : definitionMatch(symbol, row);
    const chunk = { row, words: 0, meaning: 0, definition };
    chunks.set(key, chunk);
    const file = files.get(row.path);
    if (file === undefined)
      files.set(row.path, { chunks: [chunk], row, pending, words: 0, meaning: 0, score: 0 });
    else file.chunks.push(chunk);
    return chunk;
  };
  const top = lexical[0]?.score ?? 1;
  for (const { row, score, embedded } of lexical) evidence(row, !embedded).words = score / top;
  // Cosines lie close together, and how close depends on the query: what counts is the place between best and last.
  const nearest = semantic[0]?.distance ?? 0;
  const range = (semantic.at(-1)?.distance ?? 0) - nearest;
  for (const { row, distance } of semantic)
    evidence(row, false).meaning = range === 0 ? 1 : 1 - (distance - nearest) / range;
  return files;
}

/** The part that meaning has in this search. */
function meaningShare(
  found: { readonly words: boolean; readonly meaning: boolean },
  said: number,
  { meaning, wellSaid }: Ranking,
): number {
  if (!found.meaning || !found.words) return found.meaning ? 1 : 0;
  const words = (1 - meaning) * (wellSaid === 0 ? 1 : Math.min(1, said / wellSaid) ** 2);
  return meaning / (meaning + words);
}

function scoreFiles(
  question: Question,
  files: ReadonlyMap<string, FileEvidence>,
  share: number,
  ranking: Ranking,
): void {
  for (const file of files.values()) {
    file.words = together(file.chunks, ({ words }) => words, ranking);
    file.meaning = together(file.chunks, ({ meaning }) => meaning, ranking);
  }
  const all = [...files.values()];
  const mostWords = Math.max(...all.map(({ words }) => words)) || 1;
  const mostMeaning = Math.max(...all.map(({ meaning }) => meaning)) || 1;
  const isOlder = olderVersions(files.keys(), question.text);
  const nameMatch = nameMatches(files.keys(), question.names);
  for (const [path, file] of files) {
    const words = file.words / mostWords;
    // What is not embedded yet is not held against a file: its words speak for its meaning too.
    const meaning = file.pending ? words : file.meaning / mostMeaning;
    let score = (1 - share) * words + share * meaning;
    if (share < 1) {
      score += ranking.fileName * nameMatch(path);
      score += ranking.definition * Math.max(...file.chunks.map(({ definition }) => definition));
      if (question.path !== null) score += ranking.path * pathMatch(path, question.path);
    }
    const place = standing(path, file.row.kind, question.text, ranking) * (isOlder(path) ? ranking.older : 1);
    file.score = score * place;
  }
}

/** The best chunk's evidence, and less and less of the others': several good chunks make a good file. */
function together(
  chunks: readonly ChunkEvidence[],
  of: (chunk: ChunkEvidence) => number,
  { more, decay }: Ranking,
): number {
  const [best = 0, ...others] = chunks.map(of).sort((a, b) => b - a);
  return others.reduce((sum, value, i) => sum + more * decay ** i * value, best);
}
