import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createPlainServer, type LookupFunction } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpSettings, openHttp } from '../../lib/clients/http.ts';
import { ConfigError, RetriableError } from '../../lib/core/errors.ts';
import { type Certificates, certificates } from '../support/servers/certificates.ts';
import { freePort } from '../support/servers/ports.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const serve = async (listener: RequestListener) => `http://127.0.0.1:${await listen(createServer(listener))}`;

function client(settings: Partial<HttpSettings> = {}) {
  const opened = openHttp({ timeoutMs: 5_000, allowPrivate: true, now: () => Date.parse('2026-11-21T08:00:00Z'), ...settings });
  closing.push(() => opened.close());
  return opened;
}

const { signal } = new AbortController();

describe('openHttp', () => {
  it('sends method, headers and body, and answers status, headers and body', async () => {
    const url = await serve(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      response.writeHead(207, { 'X-Method': request.method, 'x-a': ['1', '2'], 'retry-after': 'Sat, 21 Nov 2026 08:00:07 GMT' });
      response.end(`${request.headers['x-name']} ${body}`);
    });
    const response = await client().request({ method: 'PATCH', url: `${url}/a?b=c`, headers: { 'x-name': 'Ada' }, body: '磁盘', signal });
    expect(response).toMatchObject({ status: 207, body: 'Ada 磁盘', isCut: false, retryAfterMs: 7_000 });
    expect(response.headers).toMatchObject({ 'x-method': 'PATCH', 'x-a': '1, 2' });
  });

  it('reads no more of an answer than was asked for, however long it goes on', async () => {
    const url = await serve((_, response) => {
      const more = () => {
        while (response.write('x'.repeat(10_000)));
      };
      response.on('drain', more);
      more();
    });
    const response = await client({ maxResponseBytes: 1_000 }).request({ method: 'GET', url, signal });
    expect([response.status, response.body.length, response.isCut]).toEqual([200, 1_000, true]);
  });

  it('gives up after the timeout, and when the signal aborts, and leaves no connection behind', async () => {
    const server = createServer((_, response) => response.write('half'));
    const url = `http://127.0.0.1:${await listen(server)}`;
    await expect(client({ timeoutMs: 50 }).request({ method: 'GET', url, signal })).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
    const controller = new AbortController();
    const request = client().request({ method: 'GET', url, signal: controller.signal });
    await once(server, 'request');
    controller.abort();
    await expect(request).rejects.toMatchObject({ code: 'HTTP_ABORTED', class: 'retriable' });
    await expect.poll(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(0);
    await expect(client().request({ method: 'GET', url, signal: controller.signal })).rejects.toMatchObject({ code: 'HTTP_ABORTED' });
  });

  it('never sends a request that was aborted while it waited for a connection', async () => {
    const seen: (string | undefined)[] = [];
    let release: () => void = () => undefined;
    const url = await serve((request, response) => {
      seen.push(request.url);
      release = () => response.end();
    });
    const http = client({ connections: 1 });
    const first = http.request({ method: 'GET', url: `${url}/1`, signal });
    await expect.poll(() => seen.length).toBe(1);
    const controller = new AbortController();
    const second = http.request({ method: 'POST', url: `${url}/2`, body: 'x', signal: controller.signal });
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: 'HTTP_ABORTED' });
    release();
    await first;
    const third = http.request({ method: 'GET', url: `${url}/3`, signal });
    await expect.poll(() => seen.length).toBe(2);
    release();
    await third;
    expect(seen).toEqual(['/1', '/3']);
  });

  it('calls a refused connection, an unknown name and a broken answer retriable', async () => {
    const refused = client().request({ method: 'GET', url: `http://127.0.0.1:${await freePort()}`, signal });
    await expect(refused).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE', message: expect.stringContaining('ECONNREFUSED') });
    const lookup: LookupFunction = (_, __, callback) => callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), '', 4);
    await expect(client({ lookup }).request({ method: 'GET', url: 'http://nowhere.test', signal })).rejects.toBeInstanceOf(RetriableError);
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await expect(client().request({ method: 'GET', url, signal })).rejects.toBeInstanceOf(RetriableError);
  });

  it('says what is no request, without repeating it', async () => {
    const url = await serve((_, response) => response.end());
    const senseless = [
      { method: 'GET', url: 'sentinel' },
      { method: 'GET', url: 'ftp://127.0.0.1/sentinel' },
      { method: 'GET', url: url.replace('://', '://ada:sentinel@') },
      { method: 'G T', url },
      { method: 'GET', url, headers: { 'x-name': 'sentinel\r\nx-other: 1' } },
    ];
    for (const request of senseless) {
      const failure = await client()
        .request({ ...request, signal })
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'HTTP_REQUEST_INVALID', class: 'config' });
      expect((failure as Error).message).not.toContain('sentinel');
    }
  });

  it('keeps nothing of an answer that is no HTTP, not even in the cause', async () => {
    const server = createPlainServer((socket) => socket.on('error', () => undefined).end('sentinel: what was sent\r\n\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const failure = await client()
      .request({ method: 'GET', url, signal })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ class: 'retriable', code: 'HTTP_UNREACHABLE' });
    expect(inspect(failure)).not.toContain('sentinel');
  });

  it('follows a redirect within the origin with method and body', async () => {
    const url = await serve(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      if (request.url === '/old') response.writeHead(308, { location: '/new?x=1' });
      response.end(`${request.method} ${request.url} ${body}`);
    });
    const response = await client().request({ method: 'PUT', url: `${url}/old`, body: 'kept', signal });
    expect(response.body).toBe('PUT /new?x=1 kept');
  });

  it('follows no redirect to another origin, none that would lose the body, and none for ever', async () => {
    const hits: string[] = [];
    const other = await serve((_, response) => {
      hits.push('other');
      response.end();
    });
    const url = await serve((request, response) => {
      if (request.url === '/other') response.writeHead(307, { location: other });
      if (request.url === '/lost') response.writeHead(302, { location: '/found' });
      if (request.url === '/loop') response.writeHead(307, { location: '/loop' });
      if (request.url === '/nowhere') response.writeHead(307);
      response.end();
    });
    for (const path of ['/other', '/lost', '/loop', '/nowhere'])
      await expect(client().request({ method: 'POST', url: url + path, body: 'x', signal })).rejects.toMatchObject({
        code: 'HTTP_REDIRECT',
        class: 'config',
      });
    expect(hits).toEqual([]);
    expect(await client({ maxRedirects: 0 }).request({ method: 'POST', url: `${url}/other`, signal })).toMatchObject({ status: 307 });
  });

  it('connects to no private address unless it is allowed, whether written or looked up', async () => {
    let connected = 0;
    const server = createServer((_, response) => response.end());
    server.on('connection', () => connected++);
    const port = await listen(server);
    const http = client({ allowPrivate: false });
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433'])
      await expect(http.request({ method: 'GET', url: `http://${host}:${port}/`, signal })).rejects.toMatchObject({
        code: 'HTTP_PRIVATE_ADDRESS',
        class: 'config',
      });
    expect(connected).toBe(0);
  });

  it('looks a name up once for each connection, and connects to what it checked', async () => {
    let connected = 0;
    const server = createServer((_, response) => response.end());
    server.on('connection', () => connected++);
    const port = await listen(server);
    let lookups = 0;
    const lookup: LookupFunction = (_, { all }, callback) => {
      lookups++;
      callback(null, all === true ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4);
    };
    const request = { method: 'GET', url: `http://rebinding.test:${port}/`, signal };
    await expect(client({ allowPrivate: false, lookup }).request(request)).rejects.toMatchObject({ code: 'HTTP_PRIVATE_ADDRESS' });
    expect([lookups, connected]).toEqual([1, 0]);
    await client({ lookup }).request(request);
    expect([lookups, connected]).toEqual([2, 1]);
  });
});

describe('openHttp with TLS', () => {
  const start = async ({ dir, ca }: Certificates, requestCert = false) => {
    const [key, cert] = await Promise.all([readFile(join(dir, 'broker.key')), readFile(join(dir, 'broker.crt'))]);
    const server = createTlsServer(
      { key, cert, ...(requestCert ? { ca, requestCert, rejectUnauthorized: true } : {}) },
      (request, response) => {
        const { subject } = (request.socket as import('node:tls').TLSSocket).getPeerCertificate();
        response.end(subject?.CN);
      },
    );
    return `https://localhost:${await listen(server as unknown as Server)}`;
  };

  it('trusts the given authority only', async () => {
    const files = await certificates();
    const url = await start(files);
    expect(await client({ tls: { ca: files.ca } }).request({ method: 'GET', url, signal })).toMatchObject({ status: 200 });
    for (const tls of [undefined, { ca: files.strangerCa }, { ca: files.ca, servername: 'elsewhere.test' }])
      await expect(client({ tls }).request({ method: 'GET', url, signal })).rejects.toMatchObject({ code: 'HTTP_TLS', class: 'config' });
    const plain = (await serve((_, response) => response.end())).replace('http:', 'https:');
    await expect(client().request({ method: 'GET', url: plain, signal })).rejects.toBeInstanceOf(ConfigError);
  });

  it('shows its own certificate, and says when the server wants another', async () => {
    const files = await certificates();
    const url = await start(files, true);
    const { ca, clientCert: cert, clientKey: key } = files;
    expect(await client({ tls: { ca, cert, key } }).request({ method: 'GET', url, signal })).toMatchObject({ body: 'test-client' });
    await expect(client({ tls: { ca } }).request({ method: 'GET', url, signal })).rejects.toMatchObject({
      code: 'HTTP_CLIENT_CERTIFICATE',
      unauthorized: true,
    });
  });

  it('says that a key is unreadable without repeating it', () => {
    const failure = (() => {
      try {
        return openHttp({ timeoutMs: 1, now: Date.now, tls: { cert: 'not PEM', key: 'sentinel-key' } });
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toMatchObject({ code: 'HTTP_TLS', class: 'config' });
    expect(String((failure as Error).message)).not.toContain('sentinel-key');
  });
});
