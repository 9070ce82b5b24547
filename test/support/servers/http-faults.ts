import { createServer, type IncomingHttpHeaders, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** What happens to a request instead of the ordinary. */
export type HttpFault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** The server does what it was asked to, and the connection breaks before it says so. */
  | 'answer lost'
  /** The server does what it was asked to, and the answer never comes. */
  | 'answer held back'
  /** Only the first half of the answer's body arrives. */
  | 'answer cut';

export interface HttpFaults {
  readonly port: number;
  /** Every request so far. */
  readonly requests: HttpRequest[];
  /** Asked for each request, as long as it is set; undefined lets the request pass. */
  onRequest: ((request: HttpRequest) => HttpFault | undefined) | undefined;
  stop(): Promise<void>;
}

/** Stands in front of an HTTP server, passes requests on as they are, and lets chosen ones fail. */
export async function startHttpFaults(target: { readonly port: number }): Promise<HttpFaults> {
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://proxy');
    const request = { method: incoming.method ?? 'GET', path: url.pathname, query: url.searchParams, headers: incoming.headers };
    faults.requests.push(request);
    const fault = faults.onRequest?.(request);
    if (typeof fault === 'object') {
      incoming.resume().on('end', () => response.writeHead(fault.status, fault.headers).end(request.method === 'HEAD' ? '' : fault.body));
      return;
    }
    const { method, headers } = request;
    const outgoing = send({ host: '127.0.0.1', port: target.port, method, path: incoming.url, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        if (fault === 'answer lost') return incoming.socket.resetAndDestroy();
        if (fault === 'answer held back') return undefined;
        const { 'transfer-encoding': _, connection: __, ...kept } = answer.headers;
        const length = method === 'HEAD' ? {} : { 'content-length': body.length };
        response.writeHead(answer.statusCode ?? 502, { ...kept, ...length });
        if (fault !== 'answer cut') return response.end(body);
        response.write(body.subarray(0, body.length / 2));
        return incoming.socket.resetAndDestroy();
      });
    });
    outgoing.on('error', () => incoming.socket.destroy());
    incoming.on('error', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  const faults: HttpFaults = {
    port: 0,
    requests: [],
    onRequest: undefined,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return Object.assign(faults, { port: (server.address() as AddressInfo).port });
}
