import { type Checksum, checksumOf } from './checksum.ts';
import { ModelDownloadError, ModelNotFoundError } from './errors.ts';
import type { Dtype } from './model-files.ts';
import { isCommit } from './model-name.ts';
import { SETTINGS_FILES } from './model-settings.ts';
import { DTYPES, isExternalData, onnxVariants } from './onnx-variants.ts';

/** A file of a repository. Size and checksum are null where the list does not tell them. */
export interface HubFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  /** In bytes. */
  readonly size: number | null;
  readonly checksum: Checksum | null;
}

/** What of a commit can be of use here. */
export interface HubListing {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

const NEEDED = new Set<string>(['tokenizer.json', ...SETTINGS_FILES]);
const WEIGHTS = DTYPES.flatMap((dtype) => onnxVariants(dtype, 'cpu').map(({ path }) => path));

/**
 * Reads the answer of `/api/models/ID/revision/REVISION?blobs=true`. Of the paths only those are kept that are known
 * here, so none can lead out of a directory.
 * @throws ModelDownloadError when it is something else
 */
export function parseListing(answer: unknown, endpoint: string): HubListing {
  const { sha, siblings } = (answer ?? {}) as { sha?: unknown; siblings?: unknown };
  if (typeof sha !== 'string' || !isCommit(sha) || !Array.isArray(siblings)) {
    throw new ModelDownloadError(
      `${endpoint} does not answer as a model hub does (no list of files). Check HF_ENDPOINT.`,
    );
  }
  const files = siblings.map(parseFile).filter((file) => file !== null);
  return { commit: sha, files: files.filter(({ path }) => isUseful(path)) };
}

function isUseful(path: string): boolean {
  return NEEDED.has(path) || WEIGHTS.some((onnx) => path === onnx || isExternalData(path, onnx));
}

function parseFile(sibling: unknown): HubFile | null {
  const { rfilename, size, blobId, lfs } = (sibling ?? {}) as Record<string, unknown>;
  if (typeof rfilename !== 'string') return null;
  const large = (typeof lfs === 'object' && lfs !== null ? lfs : {}) as Record<string, unknown>;
  const bytes = [large.size, size].find((value) => Number.isSafeInteger(value) && (value as number) >= 0);
  return {
    path: rfilename,
    size: (bytes as number | undefined) ?? null,
    checksum: lfs ? checksumOf(large.sha256) : checksumOf(blobId),
  };
}

/** Whether there are weights that can be run, of any dtype. */
export function hasWeights(listing: HubListing): boolean {
  return listing.files.some(({ path }) => path.endsWith('.onnx'));
}

/**
 * The files that it takes to run a model, the weights last; of several weights those that suit the device best.
 * @throws ModelNotFoundError when the repository does not have them
 */
export function chooseFiles(
  listing: HubListing,
  id: string,
  dtype: Dtype | null,
  device: string,
): readonly HubFile[] {
  const paths = new Set(listing.files.map(({ path }) => path));
  const onnx = onnxVariants(dtype, device).find(({ path }) => paths.has(path));
  if (onnx === undefined) {
    const others = [...paths].filter((path) => path.endsWith('.onnx'));
    throw new ModelNotFoundError(
      others.length === 0
        ? `${id} has no ONNX file of a name that is known here (onnx/model.onnx and its like). Choose a repository that has one, or convert the model and give its directory.`
        : `${id} has no weights of dtype ${dtype}; it has ${others.join(', ')}.`,
    );
  }
  if (!paths.has('tokenizer.json')) {
    throw new ModelNotFoundError(`${id} has no tokenizer.json. Choose another repository.`);
  }
  const beside = listing.files.filter(({ path }) => isExternalData(path, onnx.path));
  const named = (path: string) => listing.files.filter((file) => file.path === path);
  return [...[...NEEDED].flatMap(named), ...beside, ...named(onnx.path)];
}
