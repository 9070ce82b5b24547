import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, openMetadata } from './maxcompute/metadata.ts';
import type { Row } from './maxcompute/record-stream.ts';
import { type ErrorForm, errorBody, Refusal, statusOf } from './maxcompute/refusal.ts';
import { type RequestKind, readRequest, type ServiceRequest } from './maxcompute/request.ts';
import { type Account, expectSigned } from './maxcompute/signature.ts';
import { allRows, append, expectPartition, openStore, readPartition, type TableDeclaration } from './maxcompute/store.ts';
import { openTunnel, type TunnelOptions } from './maxcompute/tunnel.ts';

/** What happens to a request instead of what it asked for. */
export type Fault =
  | {
      /** The code of the answer; nothing is done. */
      readonly code: string;
      readonly status?: number;
      readonly message?: string;
      readonly form?: ErrorForm;
      readonly headers?: Readonly<Record<string, string>>;
      readonly holdClientMs?: number;
      /** Answers before the body has been read, as a busy front end does. */
      readonly early?: boolean;
    }
  /** Done, and answered only then. */
  | { readonly delayMs: number }
  /** Nothing is done, and nothing answered. */
  | 'hang'
  /** The connection breaks while the body is being sent; nothing is done. */
  | 'cut'
  /** It is done, and the connection breaks before the answer. */
  | 'answer lost'
  /** It is done, and the connection breaks within the answer. */
  | 'partial answer'
  /** It is done, and never answered. */
  | 'answer late'
  /** It is answered as if it had been done. */
  | 'lie';

export interface LoggedRequest extends ServiceRequest {
  readonly bodyBytes: number;
  /** What it was answered; undefined while there is no answer. */
  status?: number;
  code?: string;
}

export interface MaxComputeOptions extends TunnelOptions {
  readonly project?: string;
  readonly accounts?: Readonly<Record<string, Account>>;
  readonly quotas?: readonly string[];
  /** Signatures of the newer kind have to name this region. */
  readonly region?: string;
  readonly now?: () => number;
}

export interface MaxComputeServer {
  /** Where metadata and statements are: what a client is given. */
  readonly endpoint: string;
  readonly tunnelEndpoint: string;
  readonly host: string;
  readonly port: number;
  readonly project: string;
  /** Changes when tests rotate keys. */
  readonly accounts: Map<string, Account>;
  /** Every request that was signed well enough, in order. */
  readonly requests: LoggedRequest[];
  /** The statements that ran or failed. */
  readonly statements: readonly string[];
  /** Asked for each request; undefined lets it pass. */
  fault: ((request: ServiceRequest) => Fault | undefined) | undefined;
  /** In which form errors are answered. Default: XML for metadata, JSON for the tunnel. */
  errorForm: ErrorForm | undefined;
  createTable(name: string, declaration: TableDeclaration): void;
  dropTable(name: string, schema?: string): void;
  /** Adds rows as a query shows them, with the partition they go to. */
  insert(table: string, rows: readonly Row[], partition?: string): void;
  /** The rows of a table with the values of their partitions, or of one partition. */
  rows(table: string, options?: { readonly partition?: string; readonly schema?: string }): readonly Row[];
  partitions(table: string, schema?: string): readonly string[];
  /** Removes all rows; partitions stay. */
  truncate(table: string, schema?: string): void;
  addColumns(table: string, columns: Readonly<Record<string, string>>): void;
  expireSessions(): void;
  moveSlots(): void;
  /** Records that were sent so far, kept or not. */
  readonly records: number;
  stop(): Promise<void>;
}

/** The names of the account that a server knows unless it is told others. */
export const defaultAccount = { accessId: 'sluice-test-id', accessKey: 'sluice-test-access-key' } as const;

/** A small MaxCompute of our own: tables in memory behind the REST and tunnel protocols, which refuses what the service refuses. */
export async function startMaxCompute(options: MaxComputeOptions = {}): Promise<MaxComputeServer> {
  const { project = 'sluice_test', quotas = [], region, now = Date.now } = options;
  const accounts = new Map(Object.entries(options.accounts ?? { [defaultAccount.accessId]: { accessKey: defaultAccount.accessKey } }));
  const store = openStore();
  const tunnel = openTunnel(store, options);
  const metadata = openMetadata(store, () => `${server.host}:${server.port}`);
  const requests: LoggedRequest[] = [];

  const expectAllowed = (request: ServiceRequest): void => {
    expectSigned(request, { accounts, now: now(), ...(region === undefined ? {} : { region }) });
    const quota = request.query.get('quotaName');
    if (request.project !== project) throw new Refusal('NoSuchProject', `ODPS-0420111:Project not found - '${request.project}'`);
    if (quota !== undefined && !quotas.includes(quota)) throw new Refusal('QuotaNotExist', `Quota ${quota} does not exist.`);
    if (request.method === 'POST' && request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined)
      throw new Refusal('MissingContentLength', 'Expected a Content-Length.');
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID().replaceAll('-', '').toUpperCase();
    const refuse = (refusal: Refusal, isTunnel: boolean, form?: ErrorForm, holdClientMs?: number) => {
      const fields = { code: refusal.code, message: refusal.message, requestId, ...(holdClientMs === undefined ? {} : { holdClientMs }) };
      const { type, text } = errorBody(form ?? server.errorForm ?? (isTunnel ? 'json' : 'xml'), fields);
      reply(response, requestId, { status: refusal.status, headers: { 'content-type': type, ...refusal.headers }, body: text });
    };
    let logged: LoggedRequest | undefined;
    try {
      const request = readRequest(incoming);
      const fault = server.fault?.(request);
      if (typeof fault === 'object' && 'code' in fault && fault.early === true) {
        const { code, status = statusOf(code), message = code, headers = {}, form, holdClientMs } = fault;
        return refuse(new Refusal(code, message, { status, headers }), request.isTunnel, form, holdClientMs);
      }
      if (fault === 'cut') return await cutDuring(incoming);
      const body = await readBody(incoming);
      logged = { ...request, bodyBytes: body.length };
      requests.push(logged);
      if (fault === 'hang') return;
      if (typeof fault === 'object' && 'code' in fault) {
        const { code, status = statusOf(code), message = code, headers = {}, form, holdClientMs } = fault;
        Object.assign(logged, { status, code });
        return refuse(new Refusal(code, message, { status, headers }), request.isTunnel, form, holdClientMs);
      }
      expectAllowed(request);
      const answer = request.isTunnel ? tunnel.answer(request, body, fault !== 'lie') : metadata.answer(request, body);
      if (fault === 'answer lost') return void incoming.socket.resetAndDestroy();
      if (fault === 'answer late') return;
      if (fault === 'partial answer') return breakWithin(incoming, response, requestId, answer);
      if (fault !== undefined && fault !== 'lie') await sleep(fault.delayMs);
      logged.status = answer.status;
      reply(response, requestId, answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (logged !== undefined) Object.assign(logged, { status: error.status, code: error.code });
      refuse(error, !(incoming.url ?? '').startsWith('/api/'));
    }
  };

  const listener = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      // A client that went away is none of our faults; any other is, and must not look like an answer of the service.
      if (!incoming.destroyed) process.stderr.write(`MaxCompute test server: ${String(error)}\n`);
      incoming.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;

  const server: MaxComputeServer = {
    endpoint: `http://127.0.0.1:${port}/api`,
    tunnelEndpoint: `http://127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    project,
    accounts,
    requests,
    statements: metadata.statements,
    fault: undefined,
    errorForm: undefined,
    createTable: (name, declaration) => void store.create(name, declaration),
    dropTable: (name, schema = 'default') => void store.tables.delete(`${schema}.${name}`.toLowerCase()),
    insert(name, rows, partition) {
      const table = store.find(undefined, name);
      const canonical = readPartition(table, partition);
      append(table, canonical, rows);
    },
    rows(name, { partition, schema } = {}) {
      const table = store.find(schema, name);
      if (partition === undefined) return allRows(table);
      return table.partitions.get(expectPartition(table, partition)) ?? [];
    },
    partitions: (name, schema) => [...store.find(schema, name).partitions.keys()],
    truncate(name, schema) {
      for (const rows of store.find(schema, name).partitions.values()) rows.length = 0;
    },
    addColumns(name, columns) {
      const table = store.find(undefined, name);
      const added = store.create(`${name}_added`, { columns }).columns;
      store.tables.delete(`default.${name}_added`.toLowerCase());
      table.columns = [...table.columns, ...added];
      table.schemaVersion++;
    },
    expireSessions: tunnel.expireSessions,
    moveSlots: tunnel.moveSlots,
    get records() {
      return tunnel.records;
    },
    async stop() {
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
  return server;
}

/** Answers a fault for the first requests of a kind, and lets all others pass. */
export function firstOf(kinds: readonly RequestKind[], fault: Fault, times = 1): (request: ServiceRequest) => Fault | undefined {
  let left = times;
  return ({ kind }) => (kinds.includes(kind) && left-- > 0 ? fault : undefined);
}

function reply(response: ServerResponse, requestId: string, { status, headers = {}, body = '' }: Answer): void {
  response.writeHead(status, { 'x-odps-request-id': requestId, ...headers });
  response.end(body);
}

function breakWithin(
  incoming: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  { status, headers = {}, body = '' }: Answer,
): void {
  response.writeHead(status, { 'x-odps-request-id': requestId, ...headers, 'content-length': String(body.length + 10) });
  response.write(body.length === 0 ? '{' : body, () => incoming.socket.destroy());
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Breaks the connection as soon as something of the body has arrived. */
async function cutDuring(incoming: IncomingMessage): Promise<void> {
  await new Promise<void>((resolve) => {
    incoming.once('data', () => resolve());
    incoming.once('end', () => resolve());
    incoming.once('close', () => resolve());
  });
  incoming.socket.resetAndDestroy();
}
