import { fileNameTerms } from '../chunk/index-terms.ts';

/**
 * How well each file's name fits the query, 0 to 1: the share of the name that the query has, by how rare its words are
 * among the names at hand. A word that all files share, such as the project's, says nothing.
 */
export function nameMatches(paths: Iterable<string>, words: ReadonlySet<string>): (path: string) => number {
  const names = new Map(Array.from(paths, (path) => [path, fileNameTerms(path)]));
  const frequency = new Map<string, number>();
  for (const name of names.values())
    for (const word of name) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  const most = Math.log(1 + names.size);
  const rarity = (word: string) => Math.log(1 + names.size / frequency.get(word)!) / most;
  return (path) => {
    const name = names.get(path)!;
    const matched = name.filter((word) => words.has(word));
    if (matched.length === 0) return 0;
    const weight = matched.reduce((sum, word) => sum + rarity(word), 0);
    return (Math.min(2, weight) / 2) * (matched.length / name.length);
  };
}

/** How far a path is the one asked for: all of it or its end, a part between its slashes, or not at all. */
export function pathMatch(path: string, asked: string): number {
  const [whole, part] = [`/${path.toLowerCase()}`, asked.toLowerCase().replace(/\/$/, '')];
  if (whole.endsWith(`/${part}`)) return 1;
  return asked.includes('/') && `${whole}/`.includes(`/${part}/`) ? 0.5 : 0;
}
