import { cutShort, type Definition } from '../../grammars/definitions.ts';

/** A scope has the innermost so many names: it is stored and embedded with each chunk. */
const MAX_SCOPE = 16;

/** A chunk of data may hold hundreds of definitions (keys): nobody asks for the last of them by name. */
const MAX_BEGUN = 64;

/** A signature has at most so many UTF-16 units: some 30 tokens. */
const MAX_SIGNATURE = 120;

/** What a chunk is called, and what lies around it. */
export interface Label {
  readonly symbol: string | null;
  readonly scope: readonly string[];
  /** Of the definition that it lies in, where that begins before it: the text in front of its body, on one line. */
  readonly signature: string | null;
  /** Definitions that begin in it, as `KIND NAME`, in order. */
  readonly begun: readonly string[];
}

/** A definition with the comments and decorators in front of it. */
export interface LeadDefinition extends Definition {
  /** Where it begins itself. */
  readonly ownIndex: number;
}

export const NO_LABEL: Label = { symbol: null, scope: [], signature: null, begun: [] };

/**
 * Names chunks in order. The symbol is the largest definition that begins in the chunk, else the one that it lies in;
 * a chunk within a function keeps the function's name unless something inside it fills half of the chunk.
 */
export class Labeller {
  readonly #definitions: readonly LeadDefinition[];
  readonly #text: string;
  readonly #open: LeadDefinition[] = [];
  /** The last one asked for: of what is large, hundreds of chunks in a row have the same. */
  #signed: { readonly of: LeadDefinition; readonly signature: string | null } | undefined;
  #next = 0;

  /** `definitions` in order of their starts, in `text`. */
  constructor(definitions: readonly LeadDefinition[], text: string) {
    this.#definitions = definitions;
    this.#text = text;
  }

  /** Calls must come with rising, non-overlapping ranges. */
  label(start: number, end: number): Label {
    const definitions = this.#definitions;
    while (this.#next < definitions.length && definitions[this.#next]!.startIndex < start) {
      this.#enter(definitions[this.#next++]!);
    }
    this.#leave(start);
    const around = this.#open.slice(-1 - MAX_SCOPE);
    let largest: LeadDefinition | undefined;
    let path: readonly Definition[] = around;
    const begun: string[] = [];
    while (this.#next < definitions.length && definitions[this.#next]!.startIndex < end) {
      const definition = definitions[this.#next++]!;
      this.#enter(definition);
      if (begun.length < MAX_BEGUN) begun.push(`${definition.kind} ${definition.name}`);
      if (
        largest === undefined ||
        definition.endIndex - definition.startIndex > largest.endIndex - largest.startIndex
      ) {
        largest = definition;
        path = this.#open.slice(-1 - MAX_SCOPE, -1);
      }
    }
    const container = around[around.length - 1];
    const wrapped =
      container !== undefined && container.endIndex >= end && /function|method/.test(container.kind);
    const small =
      largest !== undefined && Math.min(largest.endIndex, end) - largest.startIndex < (end - start) / 2;
    if (largest !== undefined && !(wrapped && small))
      return { symbol: largest.name, scope: scopeOf(largest, path), signature: null, begun };
    if (container === undefined) return NO_LABEL;
    const scope = scopeOf(container, around.slice(0, -1));
    if (this.#signed?.of !== container)
      this.#signed = { of: container, signature: this.#signature(container) };
    return { symbol: container.name, scope, signature: this.#signed.signature, begun };
  }

  #signature({ ownIndex, bodyIndex, name }: LeadDefinition): string | null {
    const most = ownIndex + 4 * MAX_SIGNATURE;
    let end = Math.min(bodyIndex ?? most, most);
    if (bodyIndex === undefined) {
      const line = this.#text.indexOf('\n', ownIndex);
      if (line !== -1 && line < end) end = line;
    }
    const signature = this.#text
      .slice(ownIndex, end)
      .replace(/\s+/g, ' ')
      .replace(/ ?(?:[{:=]|=>|\bdo|\bthen)? ?$/, '');
    // What says no more than the name is in the scope chain already.
    return signature.includes(name) && signature !== name ? cutShort(signature, MAX_SIGNATURE) : null;
  }

  #enter(definition: LeadDefinition): void {
    this.#leave(definition.startIndex);
    this.#open.push(definition);
  }

  #leave(at: number): void {
    while (this.#open.length > 0 && this.#open[this.#open.length - 1]!.endIndex <= at) this.#open.pop();
  }
}

function scopeOf(definition: Definition, around: readonly Definition[]): string[] {
  const scope = definition.scope === undefined ? names(around) : [...names(around), definition.scope];
  return innermost(scope);
}

function names(definitions: readonly Definition[]): string[] {
  return definitions.flatMap((d) => (d.scope === undefined ? [d.name] : [d.scope, d.name]));
}

function innermost(scope: readonly string[]): string[] {
  return scope.slice(-MAX_SCOPE);
}

/** Names of the definitions that are open at a place, outermost first, the innermost few. */
export function scopeAt(definitions: readonly Definition[], at: number): string[] {
  return innermost(names(definitions.filter((d) => d.startIndex < at && d.endIndex > at)));
}
