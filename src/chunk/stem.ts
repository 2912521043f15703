import { stemmer } from 'stemmer';

/** Words are few and come again and again; what is kept of them has an end all the same. */
const MAX_KEPT = 32_768;
const [MIN_LENGTH, MAX_LENGTH] = [4, 32];
const WORD = /^[a-z]+$/;

function remembered(work: (term: string) => string): (term: string) => string {
  const known = new Map<string, string>();
  return (term) => {
    // Most of code is shorter words, and to look them up costs as much as all else here.
    if (term.length < MIN_LENGTH || term.length > MAX_LENGTH) return term;
    const before = known.get(term);
    if (before !== undefined) return before;
    if (!WORD.test(term)) return term;
    if (known.size >= MAX_KEPT) known.clear();
    const stem = work(term);
    known.set(term, stem);
    return stem;
  };
}

/** Porter's stem of a lower-case English word; what else is in code stays as it is. */
export const stem = remembered(stemmer);

/**
 * The stem of a word in a name. Names are nouns where a question has the verb: `loader`, `formatter` and `resolver` meet
 * `load`, `formats` and `resolving`, which Porter keeps apart.
 */
export const nameStem = remembered((term) => {
  const porter = stemmer(term);
  if (term.length < 5) return porter;
  const root = porter.replace(/(.{3,})[eo]r$/, '$1');
  const noun = root !== porter || term.endsWith('er');
  const single = noun ? root.replace(/([bdfgklmnprtvz])\1$/, '$1') : root;
  return single.length > 4 ? single.replace(/e$/, '') : single;
});
