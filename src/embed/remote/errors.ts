import { TidemarkError } from '../../errors.ts';

/** `--model` looks like an address and cannot be used as one. The message never repeats what may hold a secret. */
export class ModelUrlError extends TidemarkError {
  constructor(message: string) {
    super('ERR_TIDEMARK_MODEL_URL', message);
  }
}

/** The server of a model cannot be reached, or answers with something other than vectors, for good. */
export class RemoteError extends TidemarkError {
  /** HTTP status; null where there was no answer. */
  readonly status: number | null;

  constructor(message: string, status: number | null, options?: { cause?: unknown; code?: string }) {
    super(options?.code ?? 'ERR_TIDEMARK_REMOTE', message, options);
    this.status = status;
  }
}

/** The server wants a key, or another one. */
export class RemoteKeyError extends RemoteError {
  constructor(message: string, status: number) {
    super(message, status, { code: 'ERR_TIDEMARK_REMOTE_KEY' });
  }
}

/** The server works, and does not take what was sent: fewer or shorter texts may do. */
export class RefusedError extends RemoteError {
  /** What the server said, on one line. */
  readonly reason: string;

  constructor(message: string, status: number, reason: string) {
    super(message, status);
    this.reason = reason;
  }
}

/** Thrown by who reads an answer: it is not what the server's API promises. */
export class MalformedAnswerError extends Error {}
