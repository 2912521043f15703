import type { SyntaxCursor } from '../../grammars/syntax-tree.ts';

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

/** The number of every ERROR. */
const ERROR = 0xffff;

const known = new WeakMap<object, NodeKinds>();

/** What nodes of a language are to a walk: told once for each type, by its name, and then by its number. */
export class NodeKinds {
  readonly #kinds: number[] = [];

  /** Of a language as its trees name it. */
  static of(language: object): NodeKinds {
    let kinds = known.get(language);
    if (kinds === undefined) {
      kinds = new NodeKinds();
      known.set(language, kinds);
    }
    return kinds;
  }

  /** Of the node at the cursor, whose type has the number `type`. An ERROR has its children side by side. */
  at(cursor: SyntaxCursor, type: number): number {
    if (type === ERROR) return LIST;
    const kind = this.#kinds[type];
    if (kind !== undefined) return kind;
    this.#kinds[type] = kindOf(cursor.nodeType);
    return this.#kinds[type];
  }
}

function kindOf(type: string): number {
  return (LISTS.test(type) ? LIST : 0) | (LEADS.test(type) ? LEAD : 0) | (CLOSERS.has(type) ? CLOSER : 0);
}
