import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import type { TestContext } from 'node:test';
import { sha256 } from '../../src/embed/sha256.ts';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** Answers a request in place of the server; returns false to leave it to the server after all. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

interface Repository {
  readonly commit: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

export interface HubServerOptions {
  /** Lists without sizes and hashes, as some mirrors give. */
  readonly bareLists?: boolean;
  /** A path in front of everything, as some mirrors have. */
  readonly prefix?: string;
}

/**
 * A model hub on this machine: its interface, and a second server on a port of its own that large files are redirected
 * to. Faults are used up one a request, first come first served.
 */
export class HubServer {
  readonly seen: Seen[] = [];
  /** For requests to the hub itself, and for those of file contents to the second server. */
  readonly hubFaults: Fault[] = [];
  readonly fileFaults: Fault[] = [];
  /** Body bytes of files that went out. */
  sentBytes = 0;
  /** Whoever does not send this token is refused. */
  token: string | null = null;
  readonly #repositories = new Map<string, Repository>();
  readonly #options: HubServerOptions;
  readonly #hub: Server;
  readonly #files: Server;

  private constructor(options: HubServerOptions) {
    this.#options = options;
    this.#hub = createServer((request, response) => this.#serve(request, response, this.hubFaults));
    this.#files = createServer((request, response) => this.#serve(request, response, this.fileFaults));
  }

  /** Closed after the test. */
  static async start(context: TestContext, options: HubServerOptions = {}): Promise<HubServer> {
    const server = new HubServer(options);
    for (const part of [server.#hub, server.#files]) {
      part.listen(0, '127.0.0.1');
      await once(part, 'listening');
      context.after(() => {
        part.closeAllConnections();
        part.close();
      });
    }
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${portOf(this.#hub)}${this.#options.prefix ?? ''}`;
  }

  get filesOrigin(): string {
    return `http://127.0.0.1:${portOf(this.#files)}`;
  }

  /** Publishes a directory, or files by name; gives the commit. */
  publish(id: string, content: string | Readonly<Record<string, Buffer>>): string {
    const files = new Map(typeof content === 'string' ? readTree(content) : Object.entries(content));
    const digest = createHash('sha1').update(id);
    for (const [path, bytes] of files) digest.update(path).update(sha256(bytes));
    const commit = digest.digest('hex');
    this.#repositories.set(id, { commit, files });
    return commit;
  }

  /** Requests whose path matches, since the last call of {@link forget}. */
  requests(pattern: RegExp): Seen[] {
    return this.seen.filter(({ path }) => pattern.test(path));
  }

  forget(): void {
    this.seen.length = 0;
    this.sentBytes = 0;
  }

  async #serve(request: IncomingMessage, response: ServerResponse, faults: Fault[]): Promise<void> {
    const { method = '', url = '', headers } = request;
    this.seen.push({ method, path: url, headers });
    response.on('error', () => {});
    if (await faults.shift()?.(request, response)) return;
    if (faults === this.fileFaults) this.#sendContent(url, request, response);
    else if (this.token !== null && headers.authorization !== `Bearer ${this.token}`) {
      refuse(response, 401, 'RepoNotFound');
    } else this.#answer(url.slice((this.#options.prefix ?? '').length), request, response);
  }

  #answer(path: string, request: IncomingMessage, response: ServerResponse) {
    const list = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/([^?]+)\?blobs=true$/.exec(path);
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const [, id = '', revision = '', name = ''] = list ?? file ?? [];
    const repository = this.#repositories.get(id);
    if (!repository) return refuse(response, 404, 'RepoNotFound');
    if (revision !== 'main' && revision !== repository.commit)
      return refuse(response, 404, 'RevisionNotFound');
    if (list) return response.end(JSON.stringify(this.#list(id, repository)));
    const content = repository.files.get(decodeURIComponent(name));
    if (!content) return refuse(response, 404, 'EntryNotFound');
    response.setHeader('x-repo-commit', repository.commit);
    if (!isLarge(name)) {
      response.setHeader('etag', `"${gitHash(content)}"`);
      return this.#sendBytes(content, request, response);
    }
    response.setHeader('x-linked-etag', `"${sha256(content)}"`);
    response.setHeader('x-linked-size', content.length);
    response.writeHead(302, {
      location: `${this.filesOrigin}/${id}/${name}?signature=secret-of-the-files-server`,
    });
    return response.end();
  }

  #list(id: string, { commit, files }: Repository): object {
    const siblings = [...files].map(([rfilename, content]) => ({
      rfilename,
      ...(this.#options.bareLists
        ? {}
        : {
            size: content.length,
            blobId: gitHash(content),
            ...(isLarge(rfilename) ? { lfs: { sha256: sha256(content), size: content.length } } : {}),
          }),
    }));
    return { id, sha: commit, siblings };
  }

  #sendContent(url: string, request: IncomingMessage, response: ServerResponse) {
    const [, owner, name, ...path] = url.split('?', 1)[0]!.split('/');
    const content = this.#repositories
      .get(`${owner}/${name}`)
      ?.files.get(path.map(decodeURIComponent).join('/'));
    if (!content) return refuse(response, 404, '');
    response.setHeader('etag', `"of-the-files-server-${sha256(content).slice(0, 8)}"`);
    return this.#sendBytes(content, request, response);
  }

  #sendBytes(content: Buffer, request: IncomingMessage, response: ServerResponse) {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const same = request.headers['if-range'] ?? response.getHeader('etag');
    if (start >= content.length && content.length > 0) return refuse(response, 416, '');
    if (start > 0 && same === response.getHeader('etag')) {
      response.writeHead(206, {
        'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
        'content-length': content.length - start,
      });
      return this.#end(content.subarray(start), request, response);
    }
    response.writeHead(200, { 'content-length': content.length });
    return this.#end(content, request, response);
  }

  #end(content: Buffer, request: IncomingMessage, response: ServerResponse) {
    if (request.method === 'HEAD') return response.end();
    this.sentBytes += content.length;
    return response.end(content);
  }
}

/** Sends the beginning of what the request asks for, `bytes` of it, and then nothing: `after` says what follows. */
export function sendPart(content: Buffer, bytes: number, after: 'break' | 'stall' | 'end'): Fault {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.setHeader('etag', `"of-the-files-server-${sha256(content).slice(0, 8)}"`);
    // Without a length an answer that ends early looks like one that is whole.
    if (after !== 'end') response.setHeader('content-length', content.length - start);
    if (start > 0) {
      response.setHeader('content-range', `bytes ${start}-${content.length - 1}/${content.length}`);
    }
    response.writeHead(start > 0 ? 206 : 200);
    response.write(content.subarray(start, start + bytes), () => {
      if (after === 'break') response.destroy();
      if (after === 'end') response.end();
    });
    return true;
  };
}

export function sendStatus(status: number, headers: Readonly<Record<string, string>> = {}): Fault {
  return (_, response) => {
    response.writeHead(status, headers);
    response.end('try again');
    return true;
  };
}

function refuse(response: ServerResponse, status: number, code: string) {
  response.writeHead(status, code === '' ? {} : { 'x-error-code': code });
  return response.end(JSON.stringify({ error: code }));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** What the hub keeps outside of git. */
function isLarge(path: string): boolean {
  return /\.onnx|tokenizer\.json$/.test(path);
}

function gitHash(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

function readTree(directory: string): [string, Buffer][] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((entry) => join(directory, entry))
    .filter((path) => statSync(path).isFile())
    .map((path) => [relative(directory, path).replaceAll('\\', '/'), readFileSync(path)]);
}
