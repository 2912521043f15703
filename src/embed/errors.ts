import { TidemarkError } from '../errors.ts';

/** The model that was asked for is not there, or is not something that can be loaded by name. */
export class ModelNotFoundError extends TidemarkError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_MODEL_NOT_FOUND', message, options);
  }
}

/** The files of a model are there, but they are damaged or do not fit together. */
export class ModelInvalidError extends TidemarkError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_MODEL_INVALID', message, options);
  }
}

/** A file does not have the SHA-256 that this version of tidemark was made for. */
export class ModelIntegrityError extends TidemarkError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_MODEL_INTEGRITY', message, options);
  }
}

/** The directory that keeps converted models cannot be written: read-only, full, or not a directory. */
export class ModelCacheError extends TidemarkError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_MODEL_CACHE', message, options);
  }
}

/** A model cannot be downloaded: no network, no access, or a server that does not do its part. */
export class ModelDownloadError extends TidemarkError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_MODEL_DOWNLOAD', message, options);
  }
}

/** The model's vectors cannot be cut to the dimensions that were asked for. */
export class DimensionsError extends TidemarkError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_DIMENSIONS', message, options);
  }
}

/** The device that was asked for does not work here. */
export class DeviceError extends TidemarkError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_DEVICE', message, options);
  }
}

/** The embedder was used after `dispose()`. */
export class EmbedderDisposedError extends TidemarkError {
  constructor(message = 'The embedder is disposed; create a new Embedder.', options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_EMBEDDER_DISPOSED', message, options);
  }
}

/** An embedder process died, or answered with something that nobody expected. */
export class EmbedderCrashedError extends TidemarkError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_TIDEMARK_EMBEDDER_CRASHED', message, options);
  }
}

/** An error as it crosses the process boundary; the stack is for TIDEMARK_DEBUG only. */
export interface ErrorRecord {
  readonly code: string;
  readonly message: string;
  readonly stack?: string | undefined;
}

const CLASSES: Record<string, new (message: string, options?: { cause?: unknown }) => TidemarkError> = {
  ERR_TIDEMARK_MODEL_NOT_FOUND: ModelNotFoundError,
  ERR_TIDEMARK_MODEL_INVALID: ModelInvalidError,
  ERR_TIDEMARK_MODEL_INTEGRITY: ModelIntegrityError,
  ERR_TIDEMARK_MODEL_CACHE: ModelCacheError,
  ERR_TIDEMARK_DIMENSIONS: DimensionsError,
  ERR_TIDEMARK_MODEL_DOWNLOAD: ModelDownloadError,
  ERR_TIDEMARK_DEVICE: DeviceError,
};

export function toRecord(error: unknown): ErrorRecord {
  if (error instanceof TidemarkError) {
    return { code: error.code, message: error.message, stack: error.stack };
  }
  return { code: '', message: messageOf(error), stack: error instanceof Error ? error.stack : undefined };
}

/** The error that a record stands for; one without a tidemark code becomes an {@link EmbedderCrashedError}. */
export function fromRecord(record: ErrorRecord): TidemarkError {
  const cause = record.stack ? new Error(record.stack) : undefined;
  const Class = CLASSES[record.code];
  return Class
    ? new Class(record.message, { cause })
    : new EmbedderCrashedError(`The embedder process failed: ${record.message}`, { cause });
}

export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? '';
}
