import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { acknowledge } from '../../lib/core/acknowledge.ts';
import { chunked } from '../../lib/core/chunk.ts';
import { parseConfig } from '../../lib/core/config.ts';
import { ConfigError, ConnectorError } from '../../lib/core/errors.ts';
import { silentLog } from '../../lib/core/log.ts';
import { openedSink } from '../../lib/core/opened-sink.ts';
import type { Outcome, Sink } from '../../lib/core/sink.ts';
import { recovery } from '../../lib/platforms/worker/recovery.ts';
import { webhook } from '../../lib/sinks/webhook.ts';
import { fakeClock } from '../support/clock.ts';
import { connectorAround } from '../support/connector.ts';
import { record, sourceRecord } from '../support/records.ts';
import { certificates } from '../support/servers/certificates.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
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

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}

interface OpenOptions {
  readonly secrets?: Record<string, string>;
  readonly now?: () => number;
}

async function open(config: object, { secrets = {}, now = Date.now }: OpenOptions = {}): Promise<Sink> {
  const sink = await webhook.open(parseConfig(webhook.config, { allowPrivate: true, timeoutMs: 5_000, ...config }, 'connector.sink'), {
    connector: 'test',
    log: silentLog,
    now,
    secret: async (reference) => {
      const found = 'env' in reference ? secrets[reference.env] : undefined;
      if (found === undefined) throw new ConfigError('SECRET_UNAVAILABLE', 'unknown to the test');
      return found;
    },
  });
  closing.push(() => sink.close?.());
  return sink;
}

const { signal } = new AbortController();
const codes = (outcomes: readonly Outcome[]) => outcomes.map((outcome) => (outcome instanceof ConnectorError ? outcome.code : outcome));
const records = (count: number) => Array.from({ length: count }, (_, n) => record(`key-${n}`, { n }, { offset: n }));

describe('webhook with OAuth 2', () => {
  const auth = (url: string, more: object = {}) => ({
    auth: { type: 'oauth2', tokenUrl: `${url}/token`, clientId: 'me & you', clientSecret: { env: 'SECRET' }, ...more },
  });
  const secrets = { SECRET: 'sentinel-secret+1' };

  async function startIdentity(lives?: number) {
    const state = { issued: 0, valid: 'none', asked: [] as string[], refusals: 0 };
    const url = await serve(async (request, response) => {
      const body = await bodyOf(request);
      if (request.url === '/token') {
        state.asked.push(`${request.headers.authorization ?? ''} ${body}`);
        state.valid = `token-${++state.issued}`;
        response.end(
          JSON.stringify({ access_token: state.valid, token_type: 'Bearer', ...(lives === undefined ? {} : { expires_in: lives }) }),
        );
      } else if (request.headers.authorization === `Bearer ${state.valid}`) response.end();
      else {
        state.refusals++;
        response.writeHead(401).end();
      }
    });
    return { url, state };
  }

  it('fetches one token for all requests, and keeps it', async () => {
    const { url, state } = await startIdentity(3_600);
    const sink = await open({ url, ...auth(url, { scope: 'a b', audience: 'x' }) }, { secrets });
    expect(codes(await sink.write(records(30), { signal }))).toEqual(Array(30).fill('delivered'));
    await sink.write(records(5), { signal });
    const basic = Buffer.from('me+%26+you:sentinel-secret%2B1').toString('base64');
    expect(state.asked).toEqual([`Basic ${basic} grant_type=client_credentials&scope=a+b&audience=x`]);
  });

  it('fetches another, once for all, when the token is refused before its time', async () => {
    const { url, state } = await startIdentity();
    const sink = await open({ url, ...auth(url, { send: 'body' }) }, { secrets });
    await sink.write(records(1), { signal });
    state.valid = 'revoked';
    expect(codes(await sink.write(records(10), { signal }))).toEqual(Array(10).fill('delivered'));
    expect(state.issued).toBe(2);
    expect(state.refusals).toBeGreaterThan(0);
    expect(state.asked[0]).toContain('client_id=me+%26+you&client_secret=sentinel-secret%2B1');
  });

  it('fetches another before it runs out', async () => {
    let nowMs = Date.now();
    const { url, state } = await startIdentity(100);
    const sink = await open({ url, ...auth(url) }, { secrets, now: () => nowMs });
    await sink.write(records(1), { signal });
    nowMs += 89_000;
    await sink.write(records(1), { signal });
    expect(state.issued).toBe(1);
    nowMs += 2_000;
    await sink.write(records(1), { signal });
    expect([state.issued, state.refusals]).toEqual([2, 0]);
  });

  it('says what the token endpoint has against the client, and nothing of the secret', async () => {
    let status = 400;
    const url = await serve((_, response) =>
      response.writeHead(status).end('{"error":"invalid_client","error_description":"sentinel-secret+1"}'),
    );
    const sink = await open({ url, ...auth(url) }, { secrets });
    const [refused] = await sink.write(records(1), { signal });
    expect(refused).toMatchObject({
      code: 'TOKEN_REFUSED',
      class: 'config',
      unauthorized: true,
      message: expect.stringContaining('invalid_client'),
    });
    expect((refused as Error).message).not.toContain('sentinel');
    status = 503;
    expect((await sink.write(records(1), { signal }))[0]).toMatchObject({ code: 'TOKEN_UNAVAILABLE', class: 'retriable' });
  });

  it('lets go of a token endpoint that hangs when the signal aborts', async () => {
    const server = createServer();
    const url = `http://127.0.0.1:${await listen(server)}`;
    const sink = await open({ url, ...auth(url) }, { secrets });
    const controller = new AbortController();
    const writing = sink.write(records(3), { signal: controller.signal });
    await once(server, 'request');
    controller.abort();
    expect(codes(await writing)).toEqual(Array(3).fill('HTTP_ABORTED'));
    await expect.poll(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(0);
  });
});

describe('webhook with credentials', () => {
  it('opens again with the rotated secret after a 401', async () => {
    let wanted = 'old';
    const url = await serve((request, response) => response.writeHead(request.headers['x-api-key'] === wanted ? 200 : 401).end());
    let kept = 'old';
    const sink = openedSink(
      async () => open({ url, secretHeaders: { 'X-Api-Key': { env: 'KEY' } } }, { secrets: { KEY: kept } }),
      async () => undefined,
    );
    expect(codes(await sink.write(records(2), { signal }))).toEqual(['delivered', 'delivered']);
    wanted = kept = 'new';
    expect(codes(await sink.write(records(2), { signal }))).toEqual(['delivered', 'delivered']);
    kept = 'wrong';
    wanted = 'other';
    expect((await sink.write(records(1), { signal }))[0]).toMatchObject({ code: 'SINK_UNAUTHORIZED', unauthorized: true });
  });

  it('stops sending at the first refusal', async () => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests++;
      response.writeHead(403).end();
    });
    const sink = await open(
      { url, concurrency: 2, auth: { type: 'basic', username: 'a', password: { env: 'P' } } },
      { secrets: { P: 'p' } },
    );
    expect(new Set(codes(await sink.write(records(50), { signal })))).toEqual(new Set(['SINK_UNAUTHORIZED']));
    expect(requests).toBeLessThanOrEqual(2);
  });

  it('shows its certificate where the receiver wants one', async () => {
    const { dir, ca, clientCert, clientKey } = await certificates();
    const [key, cert] = await Promise.all([readFile(join(dir, 'broker.key')), readFile(join(dir, 'broker.crt'))]);
    const seen: unknown[] = [];
    const server = createTlsServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true }, (request, response) => {
      seen.push((request.socket as TLSSocket).getPeerCertificate().subject.CN);
      response.end();
    });
    const url = `https://localhost:${await listen(server as unknown as Server)}`;
    const secrets = { KEY: clientKey, CERT: clientCert };
    const sink = await open({ url, tls: { ca, cert: { env: 'CERT' }, key: { env: 'KEY' } } }, { secrets });
    expect(codes(await sink.write(records(2), { signal }))).toEqual(['delivered', 'delivered']);
    expect(seen).toEqual(['test-client', 'test-client']);
    const stranger = await open({ url, tls: { ca } });
    expect((await stranger.write(records(1), { signal }))[0]).toMatchObject({
      code: 'HTTP_CLIENT_CERTIFICATE',
      class: 'config',
      unauthorized: true,
    });
    const untrusting = await open({ url });
    expect((await untrusting.write(records(1), { signal }))[0]).toMatchObject({ code: 'HTTP_TLS', class: 'config' });
  });

  it('signs each attempt over what is sent', async () => {
    const seen: boolean[] = [];
    const url = await serve(async (request, response) => {
      const body = await bodyOf(request);
      const { 'x-timestamp': time, 'x-signature': signature } = request.headers;
      seen.push(signature === `v1=${createHmac('sha256', 'key').update(`${time}.${body}`).digest('hex')}`);
      response.end();
    });
    const signing = { type: 'hmac-sha256', secret: { env: 'KEY' }, prefix: 'v1=' };
    const sink = await open({ url, signing, batch: {} }, { secrets: { KEY: 'key' } });
    const raw = { ...record('a', { name: 'é' }), bytes: Buffer.from('{"name": "é"}') };
    expect(codes(await sink.write([raw, ...records(2)], { signal }))).toEqual(Array(3).fill('delivered'));
    expect(seen).toEqual([true]);
  });
});

describe('webhook in a worker, which has no probe to ask', () => {
  it.each([401, 404])('is written to again after pauses that grow, and goes on by itself once %i is put right', async (refusal) => {
    let isRight = false;
    const taken: string[] = [];
    let requests = 0;
    const url = await serve(async (request, response) => {
      requests++;
      const body = await bodyOf(request);
      const isAllowed = refusal === 401 ? request.headers['x-api-key'] === 'right' : isRight;
      if (isAllowed) taken.push(body);
      response.writeHead(isAllowed ? 200 : refusal).end();
    });
    const clock = fakeClock({ instantMs: 15_000 });
    const opened = openedSink(async () => {
      const secrets = { KEY: isRight ? 'right' : 'wrong' };
      return await open({ url, concurrency: 1, secretHeaders: { 'X-Api-Key': { env: 'KEY' } } }, { secrets });
    }, clock.sleep);
    const connector = connectorAround(opened, { opened, sink: opened, clock });
    const recover = recovery({ probe: connector.probe, clock, failedAgain: () => undefined });
    const batch = [0, 1, 2].map((offset) => sourceRecord('k', `v${offset}`, { offset }));
    const process = () => connector.process(batch, { mode: 'partial', deadline: clock.now() + 60_000 });
    for (let attempt = 1; attempt <= 4; attempt++) {
      const settlement = await process();
      if (attempt === 4) expect(acknowledge(settlement)).toEqual([]);
      else {
        expect(acknowledge(settlement).map(({ offset }) => offset)).toEqual([0, 1, 2]);
        const [error] = settlement.partitions.flatMap(({ deliveries }) => deliveries.map(({ outcome }) => outcome));
        expect(error).toBeInstanceOf(ConfigError);
        isRight = attempt === 3; // somebody puts it right during the pause
        await recover.wait(error as ConfigError, attempt, signal);
      }
    }
    expect(taken).toEqual(['"v0"', '"v1"', '"v2"']);
    expect(requests).toBeLessThanOrEqual(3 + 3 + 3); // each attempt costs a request, and one more with secrets read afresh
    expect(clock.pauses.filter((ms) => ms > 1)).toEqual([250, 500, 1_000]);
  });
});

describe('webhook when the receiver is in trouble', () => {
  it('hands on both forms of Retry-After, and sends nothing more in that write', async () => {
    const nowMs = Date.parse('2026-11-21T08:00:00Z');
    let header = '7';
    let requests = 0;
    const url = await serve((_, response) => {
      requests++;
      response.writeHead(429, { 'retry-after': header }).end();
    });
    const sink = await open({ url, concurrency: 1 }, { now: () => nowMs });
    for (const [value, retryAfterMs] of [
      ['7', 7_000],
      ['Sat, 21 Nov 2026 08:02:00 GMT', 120_000],
    ] as const) {
      header = value;
      requests = 0;
      const outcomes = await sink.write(records(5), { signal });
      for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'SINK_THROTTLED', retryAfterMs });
      expect(requests).toBe(1);
    }
  });

  it('opens its circuit after failures in a row, tries once after a while, and closes it again', async () => {
    let nowMs = 1_000_000;
    let status = 503;
    let requests = 0;
    const url = await serve((_, response) => {
      requests++;
      response.writeHead(status).end();
    });
    const sink = await open({ url, concurrency: 1, order: 'none', circuitBreaker: { failures: 3, openMs: 30_000 } }, { now: () => nowMs });
    const write = async () =>
      codes(
        await sink.write(
          [0, 1, 2, 3, 4].map((partition) => record('a', 1, { partition })),
          { signal },
        ),
      );
    expect(await write()).toEqual(['SINK_UNAVAILABLE', 'SINK_UNAVAILABLE', 'SINK_UNAVAILABLE', 'CIRCUIT_OPEN', 'CIRCUIT_OPEN']);
    nowMs += 10_000;
    const [outcome] = await sink.write([record('a', 1)], { signal });
    expect(outcome).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 20_000 });
    expect(requests).toBe(3);
    nowMs += 20_000;
    expect(await write()).toEqual(['SINK_UNAVAILABLE', ...Array(4).fill('CIRCUIT_OPEN')]);
    nowMs += 30_000;
    status = 200;
    expect(await write()).toEqual(Array(5).fill('delivered'));
    expect(requests).toBe(9);
  });

  it('keeps the order of each key, and sends nothing of a partition behind a failure', async () => {
    const arrived: string[] = [];
    let failing = 'b-1';
    const url = await serve(async (request, response) => {
      const text = JSON.parse(await bodyOf(request)) as string;
      if (text === failing) return void response.writeHead(500).end();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      arrived.push(text);
      response.end();
    });
    const sink = await open({ url, concurrency: 4 });
    const batch = ['a-0', 'b-0', 'c-0', 'a-1', 'b-1', 'c-1', 'a-2', 'b-2', 'c-2'].map((text, offset) =>
      record(text.slice(0, 1), text, { offset, partition: text.startsWith('b') ? 1 : 0 }),
    );
    const outcomes = codes(await sink.write(batch, { signal }));
    expect(outcomes.filter((_, n) => batch[n]?.key === 'b')).toEqual(['delivered', 'SINK_UNAVAILABLE', 'HELD_BACK']);
    failing = '';
    expect(
      new Set(
        codes(
          await sink.write(
            batch.filter((_, n) => outcomes[n] !== 'delivered'),
            { signal },
          ),
        ),
      ),
    ).toEqual(new Set(['delivered']));
    for (const key of ['a', 'b', 'c']) expect(arrived.filter((text) => text.startsWith(key))).toEqual([`${key}-0`, `${key}-1`, `${key}-2`]);
  });

  it('follows no redirect to another origin, and connects to nothing private unless allowed', async () => {
    const hits: string[] = [];
    const elsewhere = await serve((_, response) => {
      hits.push('elsewhere');
      response.end();
    });
    const url = await serve((request, response) => {
      hits.push(request.url ?? '');
      response.writeHead(request.url === '/same' ? 308 : 307, { location: request.url === '/same' ? '/there' : elsewhere });
      if (request.url === '/there') response.statusCode = 200;
      response.end();
    });
    const away = await open({ url: `${url}/away` });
    expect((await away.write(records(1), { signal }))[0]).toMatchObject({ code: 'HTTP_REDIRECT', class: 'config' });
    expect(hits).toEqual(['/away']);
    const inside = await open({ url, allowPrivate: false });
    expect((await inside.write(records(1), { signal }))[0]).toMatchObject({ code: 'HTTP_PRIVATE_ADDRESS', class: 'config' });
    expect(hits).toEqual(['/away']);
  });

  it('says what the receiver says, cut, without secrets and without what was sent', async () => {
    const url = await serve(async (request, response) => {
      const body = await bodyOf(request);
      response.writeHead(422).end(`<p>field mag must be positive, got ${body} with ${request.headers.authorization} ${'x'.repeat(5_000)}`);
    });
    const sink = await open({ url, auth: { type: 'bearer', token: { env: 'T' } } }, { secrets: { T: 'sentinel-token' } });
    const [outcome] = await sink.write([record('a', { mag: -3, place: 'Sentinel Bay' }, { offset: 5 })], { signal });
    expect(outcome).toMatchObject({
      code: 'SINK_REJECTED_RECORD',
      class: 'data',
      message: expect.stringContaining('field mag must be positive'),
    });
    const { message } = outcome as Error;
    for (const hidden of ['sentinel-token', 'Sentinel', 'Bay']) expect(message).not.toContain(hidden);
    expect(message).toContain('orders-0@5');
    expect(message.length).toBeLessThan(400);
  });
});

describe('webhook in batches', () => {
  it('has the same idempotency key for the same records only, whatever became of them', async () => {
    const keys: unknown[] = [];
    const url = await serve((request, response) => {
      keys.push(request.headers['idempotency-key']);
      response.end();
    });
    const sink = await open({ url, batch: {} });
    const all = records(4);
    for (const cut of [all, all, all.slice(1), [all[0]!, all[2]!, all[3]!], [all[0]!, all[1]!, all[3]!]]) await sink.write(cut, { signal });
    expect(keys.slice(0, 3)).toEqual(['test:orders:0:0:0:0..3:0', 'test:orders:0:0:0:0..3:0', 'test:orders:0:0:1:0..3:0']);
    expect(new Set(keys).size).toBe(4);
  });

  it('gathers the records of each URL and the same headers', async () => {
    const seen: string[] = [];
    const url = await serve(async (request, response) => {
      seen.push(`${request.url} ${request.headers['x-kind']} ${await bodyOf(request)}`);
      response.end();
    });
    const sink = await open({ url: `${url}/to/{value.to}`, headers: { 'X-Kind': '{value.kind}' }, body: '{value.n}', batch: {} });
    const kinds = [
      ['a', 'x'],
      ['b', 'x'],
      ['a', 'x'],
      ['a', 'y'],
    ] as const;
    await sink.write(
      kinds.map(([to, kind], n) => record('k', { to, kind, n })),
      { signal },
    );
    expect(seen.toSorted()).toEqual(['/to/a x [0,2]', '/to/a y [3]', '/to/b x [1]']);
  });

  it('finds the one record in a batch that is refused as a whole, with a request or two more for each halving', async () => {
    let requests = 0;
    const url = await serve(async (request, response) => {
      requests++;
      response.writeHead((await bodyOf(request)).includes('"n":37}') ? 400 : 200).end();
    });
    const sink = await open({ url, batch: {} });
    const outcomes = codes(await sink.write(records(64), { signal }));
    expect(outcomes.map((code, n) => (code === 'delivered' ? -1 : n)).filter((n) => n >= 0)).toEqual([37]);
    expect(requests).toBe(13);
  });

  it('makes each item what the receiver says of it', async () => {
    const url = await serve((_, response) =>
      response
        .writeHead(207, { 'retry-after': '3' })
        .end(JSON.stringify([{ s: 201 }, { s: 429 }, { s: 422, why: 'no such plate' }, { s: 401 }, {}])),
    );
    const sink = await open({ url, batch: { answer: { status: 's', error: 'why' } }, retry: [429] });
    const outcomes = await sink.write(records(5), { signal });
    expect(codes(outcomes)).toEqual(['delivered', 'SINK_THROTTLED', 'SINK_REJECTED_RECORD', 'SINK_UNAUTHORIZED', 'SINK_ANSWER_INCOMPLETE']);
    expect(outcomes[1]).toMatchObject({ retryAfterMs: 3_000 });
    expect(outcomes[2]).toMatchObject({ message: expect.stringContaining('no such plate') });
  });

  it('does not take what a refusal lists no failure of for delivered', async () => {
    const taken: number[] = [];
    const url = await serve(async (request, response) => {
      const items = JSON.parse(await bodyOf(request)) as { n: number }[];
      const index = items.findIndex(({ n }) => n === 5);
      if (index >= 0) return void response.writeHead(400).end(JSON.stringify([{ index }]));
      taken.push(...items.map(({ n }) => n));
      response.end('[]');
    });
    const sink = await open({ url, batch: { answer: { lists: 'failures', index: 'index' } } });
    const outcomes = codes(await sink.write(records(8), { signal }));
    expect(outcomes).toEqual(Array(8).fill('delivered').with(5, 'SINK_REJECTED_RECORD'));
    expect(taken.toSorted()).toEqual([0, 1, 2, 3, 4, 6, 7]);
  });

  it('refuses one item that is not found or not ok, whatever the lists of statuses say of requests', async () => {
    const url = await serve((_, response) => response.end(JSON.stringify([{ s: 404 }, { s: 200 }, { ok: false }])));
    const sink = await open({ url, batch: { answer: { status: 's', ok: 'ok' } }, success: [200, 400] });
    expect(codes(await sink.write(records(3), { signal }))).toEqual(['SINK_REJECTED_RECORD', 'delivered', 'SINK_REJECTED_RECORD']);
  });

  it('repeats no value of another record of the batch, nor the token in use', async () => {
    const url = await serve(async (request, response) => {
      if (request.url === '/token') return void response.end('{"access_token":"opaquetoken"}');
      response.end(JSON.stringify([{ e: 'same name as Lovelace' }, { e: `no rights for ${request.headers.authorization?.slice(7)}` }]));
    });
    const auth = { type: 'oauth2', tokenUrl: `${url}/token`, clientId: 'c', clientSecret: { env: 'S' } };
    const sink = await open({ url, auth, batch: { answer: { error: 'e' } } }, { secrets: { S: 'sentinel' } });
    const outcomes = await sink.write([record('a', { n: 1 }), record('b', { name: 'Lovelace' })], { signal });
    expect(outcomes.map((outcome) => (outcome as Error).message.replace(/ \(.*/, ''))).toEqual([
      'The receiver refused the record: same name as …',
      'The receiver refused the record: no rights for ***',
    ]);
  });

  it('calls nothing delivered that an answer is silent about, cut off or no list', async () => {
    let answer = '';
    const url = await serve((_, response) => response.end(answer));
    const sink = await open({ url, batch: { answer: { status: 's' } }, maxResponseBytes: 1_000 });
    for (const text of ['', 'ok', '{}', '[{"s":200}]', `[{"s":200},{"s":200,"pad":"${'x'.repeat(2_000)}"}]`]) {
      answer = text;
      expect(codes(await sink.write(records(2), { signal }))).toEqual(['SINK_ANSWER_INCOMPLETE', 'SINK_ANSWER_INCOMPLETE']);
    }
  });

  it('has its tombstones ignored or sent, as it is told', async () => {
    const bodies: string[] = [];
    const url = await serve(async (request, response) => {
      bodies.push(await bodyOf(request));
      response.end();
    });
    const batch = [record('a', 1), record('b', null)];
    expect(codes(await (await open({ url, batch: {} })).write(batch, { signal }))).toEqual(['delivered', 'ignored']);
    expect(
      codes(await (await open({ url, batch: {}, tombstones: 'send', body: { k: '{key}', v: '{value}' } })).write(batch, { signal })),
    ).toEqual(['delivered', 'delivered']);
    expect(bodies).toEqual(['[1]', '[{"k":"a","v":1},{"k":"b","v":null}]']);
  });
});

it('replaces one thing after the other where its records share a write', async () => {
  const things = new Map<string, string>();
  const url = await serve(async (request, response) => {
    const body = await bodyOf(request);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    if (request.method === 'DELETE') things.delete(request.url ?? '');
    else things.set(request.url ?? '', body);
    response.end();
  });
  const config = { url: `${url}/things/{key}`, method: 'PUT', tombstones: 'delete', order: 'none' };
  const bare = await open(config);
  const wrapped = chunked(await open(config), { records: 500, bytes: 1e7 }, { ordered: false });
  for (const sink of [bare, wrapped]) {
    await sink.write([record('a', 1), record('b', 1), record('a', 2), record('b', null), record('a', 3), record('c', 1)], { signal });
    expect([...things].toSorted()).toEqual([
      ['/things/a', '3'],
      ['/things/c', '1'],
    ]);
    things.clear();
  }
});
