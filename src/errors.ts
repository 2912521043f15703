/**
 * The root of every error that tidemark throws on purpose. `code` is stable, `message` is one line that says
 * what happened, to which file, and what to do; `cause` keeps what was caught.
 */
export class TidemarkError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}
