import type { Language } from 'web-tree-sitter';

/** Its children stand side by side; in any other node the small children before the large one are its head. */
export const LIST = 1;
/** Belongs to what follows it. */
export const LEAD = 2;
/** Belongs to what stands before it. */
export const CLOSER = 4;

const LISTS =
  /body|block|compound|group|begin|^(then|else|do|ensure)$|list|statements|program|module|file|unit|document|object|array|section|element|fragment|content|mapping|sequence|table|chunk|source|suite|stylesheet|stream|literal_value|token_tree|preproc|case|clause|template|brace|enumerator|struct_type|interface_type|members|declarations/;
const LEADS = /comment|decorator|attribute|annotation/;
const CLOSERS = new Set([',', ';', ')', ']', '}', 'end', '{', '(', '[', ':', '.', '>', '/>']);

const known = new WeakMap<Language, Uint8Array>();

/** What nodes are to a walk, by the number of their type. */
export function nodeKinds(language: Language): Uint8Array {
  let kinds = known.get(language);
  if (kinds === undefined) {
    kinds = Uint8Array.from(language.types, (type) => (typeof type === 'string' ? kindOf(type) : 0));
    known.set(language, kinds);
  }
  return kinds;
}

function kindOf(type: string): number {
  return (LISTS.test(type) ? LIST : 0) | (LEADS.test(type) ? LEAD : 0) | (CLOSERS.has(type) ? CLOSER : 0);
}
