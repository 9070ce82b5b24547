import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CloudCredentials } from '../../core/sink.ts';
import type { FcFunction, InvocationAnswer, InvocationRequest } from './function.ts';

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
}

export interface FunctionServer {
  readonly port: number;
  /** Ends when what is under way has its answer. */
  close(): Promise<void>;
}

/** The HTTP server that a custom runtime of Function Compute has to be: `/invoke`, `/initialize` and `/pre-stop`. */
export async function serveFunction(fn: FcFunction, { host, port, print }: ServerOptions): Promise<FunctionServer> {
  const server = createServer((request, response) => {
    answer(fn, request, response, print).catch(() => response.destroy());
  });
  // The service keeps its connection and has a limit of its own.
  Object.assign(server, { timeout: 0, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
  server.listen(port, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => closed(server) };
}

async function answer(fn: FcFunction, request: IncomingMessage, response: ServerResponse, print: (line: string) => void): Promise<void> {
  const route = `${request.method} ${request.url}`;
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const received: InvocationRequest = {
    requestId: header(request, 'x-fc-request-id'),
    credentials: credentialsOf(request),
    body: await bodyOf(request),
    signal: gone.signal,
  };
  const logged = async (verb: string, work: Promise<InvocationAnswer>): Promise<void> => {
    // The log service finds the lines of a request by these two.
    print(`FC ${verb} Start RequestId: ${received.requestId}`);
    const given = await work;
    print(`FC ${verb} End RequestId: ${received.requestId}${given.outcome === 'accepted' ? '' : ', Error: Unhandled function error'}`);
    respond(response, given);
  };
  switch (route) {
    case 'POST /invoke':
      return await logged('Invoke', fn.invoke(received));
    case 'POST /initialize':
      return await logged('Initialize', fn.initialize(received));
    case 'GET /pre-stop':
      await fn.close();
      return respond(response, { outcome: 'accepted', body: {} });
    default:
      return respond(response, {
        outcome: 'failed',
        body: { errorType: 'UNKNOWN_PATH', errorMessage: 'Only the trigger of Function Compute calls this function, at POST /invoke.' },
      });
  }
}

/** The status as HTTP has it: one that whoever sees it tries again later. */
const statuses = { accepted: 200, failed: 500, busy: 429 } as const;
/** The status as the service reads it: it knows these two, and takes a missing one for success. */
const fcStatuses = { accepted: '200', failed: '404', busy: '404' } as const;

function respond(response: ServerResponse, { outcome, body }: InvocationAnswer): void {
  response.writeHead(statuses[outcome], { 'content-type': 'application/json', 'x-fc-status': fcStatuses[outcome] });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function credentialsOf(request: IncomingMessage): CloudCredentials | undefined {
  const accessKeyId = header(request, 'x-fc-access-key-id');
  const accessKeySecret = header(request, 'x-fc-access-key-secret');
  const securityToken = header(request, 'x-fc-security-token');
  if (accessKeyId === undefined || accessKeySecret === undefined) return undefined;
  return { accessKeyId, accessKeySecret, ...(securityToken === undefined ? {} : { securityToken }) };
}

/** Without a role the service sends some of its headers empty. */
function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

async function closed(server: Server): Promise<void> {
  const end = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  await end;
}
