import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Fault = 'none' | 'slow' | 'throttled' | 'unavailable' | 'answer lost' | 'partial answer';

/** One delivery as it came. */
export interface Delivery {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** One thing that the receiver keeps: its id where there is one, and the text of its JSON value. */
export interface Kept {
  readonly id?: string;
  readonly json: string;
}

export interface Receiver {
  readonly port: number;
  /** Every request that was answered with success, in order. */
  readonly deliveries: readonly Delivery[];
  kept(): readonly Kept[];
  reset(): void;
  /** What goes wrong with each request until it is `none`. */
  fault: Fault;
  stop(): Promise<void>;
}

export interface ReceiverOptions {
  /** The value of the authorization header that is let in. Default: everybody is. */
  readonly authorization?: () => string | undefined;
  readonly slowMs?: number;
}

/**
 * An endpoint as people write them. /append keeps every copy; /once keeps one per Idempotency-Key; PUT and DELETE on /things/NAME replace
 * and remove; /array and /lines keep every item or refuse the request for one bad item; /items and /failures keep one copy per id and say
 * what became of each item. A value with `poison` is refused.
 */
export async function startReceiver({ authorization, slowMs = 1_000 }: ReceiverOptions = {}): Promise<Receiver> {
  let copies: Kept[] = [];
  let things = new Map<string, Kept>();
  let deliveries: Delivery[] = [];
  let fault: Fault = 'none';

  const keep = (json: string, id?: string): void => {
    if (id === undefined) copies.push({ json });
    else if (!things.has(id)) things.set(id, { id, json });
  };

  /** Does what a request asks for; answers the status and the body. */
  const serve = ({ method, url, headers, body }: Delivery): [status: number, answer?: unknown] => {
    const path = url.split('?')[0] ?? '';
    if (path === '/append' && isPoison(body)) return [422, { error: `value ${body} refused` }];
    if (path === '/append') return [200, keep(body)];
    if (path === '/once') {
      if (isPoison(body)) return [422];
      return [200, keep(body, String(headers['idempotency-key']))];
    }
    if (path.startsWith('/things/')) {
      const id = decodeURIComponent(path.slice('/things/'.length));
      if (method === 'DELETE') return [things.delete(id) ? 204 : 404];
      if (isPoison(body)) return [400];
      things.set(id, { id, json: body });
      return [201];
    }
    if (path === '/array' || path === '/lines') {
      const items = path === '/lines' ? body.trimEnd().split('\n') : splitArray(body);
      if (items.some(isPoison)) return [400, { error: 'one of the items is bad' }];
      for (const item of items) keep(item);
      return [202];
    }
    if (path === '/items' || path === '/failures') {
      const items = path === '/items' ? body.trimEnd().split('\n') : splitArray(body.slice(body.indexOf('['), body.lastIndexOf(']') + 1));
      const taken = fault === 'partial answer' ? Math.floor(items.length / 2) : items.length;
      const answers = items.slice(0, taken).map((item, index) => {
        const { id, json } = itemOf(item);
        if (isPoison(item)) return { index, code: 422, message: `not ${json}` };
        keep(json, id);
        return { index, code: 200 };
      });
      if (path === '/items') return [207, { result: { items: answers } }];
      if (taken < items.length) return [500];
      return [200, { failed: answers.filter(({ code }) => code !== 200) }];
    }
    return [404];
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const delivery = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    const wanted = authorization?.();
    if (wanted !== undefined && request.headers.authorization !== wanted) return void response.writeHead(401).end('who are you?');
    if (fault === 'throttled') return void response.writeHead(429, { 'retry-after': '0' }).end();
    if (fault === 'unavailable') return void response.writeHead(503).end('<html><h1>Service Unavailable</h1></html>');
    const now = fault;
    const [status, body] = serve(delivery);
    if (status < 300) deliveries.push(delivery);
    if (now === 'answer lost') return void request.socket.destroy();
    if (now === 'slow') await sleep(slowMs);
    const text = body === undefined ? '' : JSON.stringify(body);
    if (now === 'partial answer' && !delivery.url.startsWith('/items')) {
      response.writeHead(status, { 'content-length': text.length + 100 });
      response.write(text, () => request.socket.destroy());
    } else response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get deliveries() {
      return deliveries;
    },
    get fault() {
      return fault;
    },
    set fault(value) {
      fault = value;
    },
    kept: () => [...copies, ...things.values()],
    reset() {
      [copies, things, deliveries] = [[], new Map(), []];
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function isPoison(json: string): boolean {
  return json.includes('"poison":true');
}

/** An item { id, value } without losing a digit of its value. */
function itemOf(item: string): { id: string; json: string } {
  const [, id = '', json = ''] = /^\{"id":"([^"]*)","value":(.*)\}$/s.exec(item) ?? [];
  return { id, json };
}

/** The texts of the items of a JSON array. */
function splitArray(json: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let inText = false;
  let from = 1;
  for (let at = 0; at < json.length; at++) {
    const sign = json[at];
    if (inText) {
      if (sign === '\\') at++;
      else if (sign === '"') inText = false;
    } else if (sign === '"') inText = true;
    else if (sign === '[' || sign === '{') depth++;
    else if (sign === ']' || sign === '}') depth--;
    const isEnd = depth === 0 && at === json.length - 1;
    if (isEnd || (!inText && depth === 1 && sign === ',')) {
      if (json.slice(from, at).trim() !== '') items.push(json.slice(from, at));
      from = at + 1;
    }
  }
  return items;
}
