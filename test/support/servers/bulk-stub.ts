import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

/** One operation as it arrived. */
export interface StubOperation {
  readonly name: string;
  readonly action: Readonly<Record<string, unknown>>;
  /** The line of the document as text; undefined for a delete. */
  readonly source?: string;
}

export interface StubRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface StubAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Never answers. */
  readonly hang?: boolean;
}

/** Something that an item answers instead of being stored. */
export interface StubItem {
  readonly status: number;
  readonly error?: Readonly<Record<string, unknown>>;
}

export interface StubOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Answers success without looking at more than the number of lines: for benchmarks. */
  readonly discard?: boolean;
  readonly delayMs?: number;
}

export interface BulkStub {
  readonly node: string;
  /** Every request that arrived, unless `discard` is set. */
  readonly requests: StubRequest[];
  /** Documents by `index/id`, with the version they were written with. */
  readonly documents: Map<string, { readonly version: bigint; readonly sequence: number; readonly source: string }>;
  /** What a request or an item is answered, as long as it is set; undefined for the ordinary answer. */
  onRequest: ((request: StubRequest) => StubAnswer | undefined) | undefined;
  onItem: ((operation: StubOperation) => StubItem | undefined) | undefined;
  /** Records taken so far. */
  readonly records: number;
  stop(): Promise<void>;
}

/** A small server that speaks as much of the bulk API as a sink needs: _bulk with external versions, _mget, HEAD. */
export async function startBulkStub({ tls, discard = false, delayMs = 0 }: StubOptions = {}): Promise<BulkStub> {
  let records = 0;
  let sequence = 0;
  const stub: BulkStub = {
    node: '',
    requests: [],
    documents: new Map(),
    onRequest: undefined,
    onItem: undefined,
    get records() {
      return records;
    },
    stop: async () => undefined,
  };

  const write = ({ name, action, source }: StubOperation): StubItem => {
    const { _index, _id, version, version_type: type, if_seq_no: expected } = action;
    const key = `${String(_index)}/${String(_id)}`;
    const stored = stub.documents.get(key);
    const conflict = { status: 409, error: { type: 'version_conflict_engine_exception', index: _index } };
    if (name === 'create' && stored !== undefined) return conflict;
    if (expected !== undefined && expected !== stored?.sequence) return conflict;
    const wanted = version === undefined ? (stored?.version ?? 0n) + 1n : BigInt(String(version));
    if (version !== undefined && stored !== undefined && (type === 'external_gte' ? wanted < stored.version : wanted <= stored.version))
      return conflict;
    sequence++;
    if (name === 'delete') return { status: stub.documents.delete(key) ? 200 : 404 };
    if (name === 'update') {
      const { doc, doc_as_upsert: upsert } = JSON.parse(source ?? '{}') as { doc: object; doc_as_upsert?: boolean };
      if (stored === undefined && upsert !== true) return { status: 404, error: { type: 'document_missing_exception' } };
      const merged = { ...(JSON.parse(stored?.source ?? '{}') as object), ...doc };
      stub.documents.set(key, { version: wanted, sequence, source: JSON.stringify(merged) });
    } else stub.documents.set(key, { version: wanted, sequence, source: source ?? '' });
    return { status: stored === undefined ? 201 : 200 };
  };

  const bulk = (body: Buffer): unknown => {
    if (discard) {
      const count = countLines(body) / 2;
      records += count;
      return `{"items":[${successes(count)}]}`;
    }
    const items = readOperations(body).map((operation) => {
      records++;
      return { [operation.name]: stub.onItem?.(operation) ?? write(operation) };
    });
    return { items };
  };

  const mget = (body: Buffer): unknown => {
    const { docs } = JSON.parse(body.toString()) as { docs: { _index: string; _id: string; _source: string[] }[] };
    return {
      docs: docs.map(({ _index, _id, _source }) => {
        const stored = stub.documents.get(`${_index}/${_id}`);
        if (stored === undefined) return { _index, _id, found: false };
        const source = JSON.parse(stored.source) as Record<string, unknown>;
        const kept = Object.fromEntries(_source.filter((name) => name in source).map((name) => [name, source[name]]));
        return { _index, _id, found: true, _version: Number(stored.version), _seq_no: stored.sequence, _primary_term: 1, _source: kept };
      }),
    };
  };

  const answer = (request: StubRequest): StubAnswer => {
    const scripted = stub.onRequest?.(request);
    if (scripted !== undefined) return scripted;
    if (request.path === '/_bulk') return { status: 200, body: bulk(request.body) };
    if (request.path === '/_mget') return { status: 200, body: mget(request.body) };
    return { status: request.method === 'HEAD' ? 200 : 404 };
  };

  const listener: RequestListener = (incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', async () => {
      const url = new URL(incoming.url ?? '/', 'http://stub');
      const request: StubRequest = {
        method: incoming.method ?? 'GET',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: incoming.headers,
        body: incoming.headers['content-encoding'] === 'gzip' ? gunzipSync(Buffer.concat(chunks)) : Buffer.concat(chunks),
      };
      if (!discard) stub.requests.push(request);
      if (delayMs > 0) await sleep(delayMs);
      const { status, headers, body, hang } = answer(request);
      if (hang !== true) send(response, status, headers, body);
    });
  };

  const server: Server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.defineProperties(stub, {
    node: { value: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}` },
    stop: {
      value: async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    },
  });
}

function send(response: ServerResponse, status: number, headers: StubAnswer['headers'], body: unknown): void {
  const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(text);
}

function readOperations(body: Buffer): StubOperation[] {
  const lines = body.toString().split('\n');
  if (lines.pop() !== '') throw new Error('The body of a bulk request has to end with a line end.');
  const operations: StubOperation[] = [];
  for (let at = 0; at < lines.length; at++) {
    const text = lines[at] ?? '';
    const [name, action] = Object.entries(JSON.parse(text) as Record<string, Record<string, unknown>>)[0] ?? ['', {}];
    const version = /"version":(\d+)/.exec(text)?.[1]; // a double would round it
    const exact = version === undefined ? action : { ...action, version };
    operations.push(name === 'delete' ? { name, action: exact } : { name, action: exact, source: lines[++at] ?? '' });
  }
  return operations;
}

function countLines(body: Buffer): number {
  let lines = 0;
  for (let at = body.indexOf(10); at >= 0; at = body.indexOf(10, at + 1)) lines++;
  return lines;
}

const success = '{"index":{"status":201}}';
const cachedSuccesses = new Map<number, string>();

function successes(count: number): string {
  const text = cachedSuccesses.get(count) ?? Array(count).fill(success).join(',');
  cachedSuccesses.set(count, text);
  return text;
}
