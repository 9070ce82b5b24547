import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Destination } from './destinations.ts';

const lineEnd = 10;

/** An endpoint that counts records, one per request or one per line, and forgets them. It ends with the process. */
export async function httpEndpoint(options: Readonly<Record<string, unknown>>): Promise<Destination> {
  let records = 0;
  const server = createServer((request, response) => {
    let lines = 0;
    request.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(lineEnd); at >= 0; at = chunk.indexOf(lineEnd, at + 1)) lines++;
    });
    request.on('end', () => {
      records += request.headers['content-type'] === 'application/x-ndjson' ? lines : 1;
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const { port } = server.address() as AddressInfo;
  const sink = { type: 'webhook', url: `http://127.0.0.1:${port}/orders`, allowPrivate: true, ...options };
  return {
    settings: { acceptDuplicates: true, sink },
    async prepare() {
      records = 0;
    },
    count: async () => records,
  };
}
