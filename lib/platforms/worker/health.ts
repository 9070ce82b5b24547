import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerControl, controlPath, type WorkerDesk } from './control-endpoints.ts';
import type { Metrics } from './metrics.ts';
import type { Status } from './status.ts';

export interface HealthOptions {
  /** Asked at each request. */
  readonly status: () => Status;
  readonly metrics: Metrics;
  /** What is answered under `/control/` to who shows its token; nothing is when left out. */
  readonly desk?: WorkerDesk;
  /** 0 for a free one. */
  readonly port: number;
  readonly host?: string;
}

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Answers `/healthz`, `/readyz`, `/metrics` and, to who may, `/control/`, on the loopback interface unless told otherwise. Rejects when the port is taken. */
export async function serveHealth({ status, metrics, desk, port, host = '127.0.0.1' }: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(request, status, metrics, desk).then(
      ({ code, type, body }) => send(response, code, type, body),
      () => send(response, 500, 'text/plain', 'This could not be answered\n'),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
}

async function answer(request: IncomingMessage, status: () => Status, metrics: Metrics, desk: WorkerDesk | undefined): Promise<Answer> {
  const { method, url = '/' } = request;
  if (desk !== undefined && url.startsWith(controlPath)) {
    const { code, body } = await answerControl(request, desk);
    return { code, type: 'application/json', body: `${JSON.stringify(body)}\n` };
  }
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'Only GET is answered here');
  switch (url.split('?')[0]) {
    case '/healthz':
      return text(200, 'alive');
    case '/readyz':
      return readiness(status());
    case '/metrics':
      return { code: 200, ...(await metrics.text(status())) };
    default:
      return text(404, 'There are /healthz, /readyz and /metrics');
  }
}

/** Ready is who is a member of the group and gets records to the target, or would if there were any. */
function readiness({ state, trouble }: Status): Answer {
  if (state === 'running') return text(200, 'ready');
  const reason = trouble === undefined ? '' : `: ${trouble.code} ${trouble.message}`;
  return text(503, `${state}${reason}`);
}

function text(code: number, line: string): Answer {
  return { code, type: 'text/plain; charset=utf-8', body: `${line}\n` };
}

function send(response: ServerResponse, code: number, type: string, body: string): void {
  response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
