import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/core/config.ts';
import { RetriableError } from '../../../lib/core/errors.ts';
import { silentLog } from '../../../lib/core/log.ts';
import type { Sink } from '../../../lib/core/sink.ts';
import { elasticsearch } from '../../../lib/sinks/elasticsearch.ts';
import { record } from '../../support/records.ts';
import { type BulkStub, type StubAnswer, startBulkStub } from '../../support/servers/bulk-stub.ts';

let stub: BulkStub;
let sinks: Sink[] = [];
const { signal } = new AbortController();
const now = 1_800_000_000_000; // after the records of these tests were produced

beforeEach(async () => {
  stub = await startBulkStub();
});
afterEach(async () => {
  await Promise.all(sinks.map((sink) => sink.close?.()));
  sinks = [];
  await stub.stop();
});

async function open(options: object = {}, secrets: Readonly<Record<string, string>> = {}): Promise<Sink> {
  const config = parseConfig(elasticsearch.config, { node: stub.node, index: 'quakes', ...options }, 'connector.sink');
  const sink = await elasticsearch.open(config, {
    connector: 'test',
    log: silentLog,
    now: () => now,
    secret: async (reference) => ('env' in reference ? (secrets[reference.env] ?? '') : ''),
  });
  sinks.push(sink);
  return sink;
}

const lines = () =>
  stub.requests
    .filter(({ path }) => path === '/_bulk')
    .flatMap(({ body }) => body.toString().trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as unknown);
const bulks = () => stub.requests.filter(({ path }) => path === '/_bulk');
const outcomesOf = async (sink: Sink, ...records: Parameters<Sink['write']>[0]) =>
  (await sink.write(records, { signal })).map((outcome) => (typeof outcome === 'string' ? outcome : `${outcome.class} ${outcome.code}`));

describe('what is sent', () => {
  it('is a document by key with an external version and where it came from', async () => {
    const sink = await open();
    expect(await outcomesOf(sink, record('a', { mag: 5 }, { topic: 't', partition: 2, offset: 7, timestamp: 900 }))).toEqual(['delivered']);
    expect(lines()).toEqual([
      { index: { _index: 'quakes', version_type: 'external_gte', _id: 'a', version: 70_000 } },
      { mag: 5, _sluice: { topic: 't', partition: 2, epoch: 0, offset: 7, part: 0, timestamp: 900, writtenAt: now } },
    ]);
  });

  it('is a marker for a tombstone, which passes no pipeline', async () => {
    const sink = await open({ pipeline: 'enrich', routing: 'key' });
    await outcomesOf(sink, record('a', null, { offset: 7 }));
    expect(lines()).toEqual([
      { index: { _index: 'quakes', version_type: 'external_gte', _id: 'a', routing: 'a', version: 70_000, pipeline: '_none' } },
      { _sluice: expect.objectContaining({ offset: 7, deleted: true }) },
    ]);
    expect(bulks()[0]?.query).toMatchObject({ pipeline: 'enrich' });
  });

  it('is a delete with a version where deletes are hard', async () => {
    await outcomesOf(await open({ deletes: 'hard' }), record('a', null, { offset: 7 }));
    expect(lines()).toEqual([{ delete: { _index: 'quakes', version_type: 'external_gte', _id: 'a', version: 70_000 } }]);
  });

  it('is a partial update without a version, which brings a deleted document back', async () => {
    await outcomesOf(await open({ write: 'update' }), record('a', { mag: 5 }));
    expect(lines()).toEqual([
      { update: { _index: 'quakes', _id: 'a', retry_on_conflict: 3 } },
      { doc: { mag: 5, _sluice: expect.objectContaining({ deleted: false }) }, doc_as_upsert: true },
    ]);
  });

  it('is a new document per record, without metadata where that is left out', async () => {
    const sink = await open({ write: 'create', id: 'record', metadata: false });
    await outcomesOf(sink, record('a', { mag: 5 }, { topic: 't', partition: 2, offset: 7, part: 1 }));
    expect(lines()).toEqual([{ create: { _index: 'quakes', _id: 't+2+7+1' } }, { mag: 5 }]);
  });

  it('goes to the index that the date or an allowed target says', async () => {
    const sink = await open({ index: 'quakes-{timestamp:yyyy-MM}', allow: ['alerts-*'] });
    const timestamp = Date.UTC(2026, 10, 21);
    await outcomesOf(sink, record('a', {}, { timestamp }), record('b', {}, { timestamp, target: 'alerts-1' }));
    expect(lines().filter((line) => 'index' in (line as object))).toMatchObject([
      { index: { _index: 'quakes-2026-11' } },
      { index: { _index: 'alerts-1' } },
    ]);
    expect(await outcomesOf(sink, record('c', {}, { target: 'secrets' }))).toEqual(['data TARGET_NOT_ALLOWED']);
  });

  it('is nothing for a record that cannot be a document, and its neighbours go on', async () => {
    const sink = await open();
    const outcomes = await outcomesOf(sink, record('a', { n: 1 }), record(null, { n: 2 }), record('c', 'text'), record('d', { n: 4 }));
    expect(outcomes).toEqual(['delivered', 'data SINK_RECORD_WITHOUT_ID', 'data SINK_REJECTED_RECORD', 'delivered']);
    expect([...stub.documents.keys()]).toEqual(['quakes/a', 'quakes/d']);
  });

  it('is compressed where that is set', async () => {
    expect(await outcomesOf(await open({ compression: true }), record('a', { n: 1 }))).toEqual(['delivered']);
    expect(bulks()[0]?.headers['content-encoding']).toBe('gzip');
    expect([...stub.documents.keys()]).toEqual(['quakes/a']);
  });

  it('is no request where there is nothing to send', async () => {
    const sink = await open({ id: 'record' });
    expect(await outcomesOf(sink)).toEqual([]);
    expect(await outcomesOf(sink, record('a', null))).toEqual(['ignored']);
    expect(stub.requests).toEqual([]);
  });
});

describe('credentials', () => {
  it.each([
    [{ apiKey: { env: 'KEY' } }, { KEY: 'encoded==' }, 'ApiKey encoded=='],
    [{ apiKey: { env: 'KEY' } }, { KEY: 'id:key\n' }, `ApiKey ${Buffer.from('id:key').toString('base64')}`],
    [{ bearer: { env: 'TOKEN' } }, { TOKEN: 'token' }, 'Bearer token'],
    [{ username: 'u', password: { env: 'P' } }, { P: 'p:ż' }, `Basic ${Buffer.from('u:p:ż').toString('base64')}`],
  ])('of %j are sent as the server expects', async (options, secrets, expected) => {
    const sink = await open(options, secrets);
    await outcomesOf(sink, record('a', {}));
    for (const { headers } of stub.requests) expect(headers.authorization).toBe(expected);
    expect(bulks()[0]?.headers['content-type']).toBe('application/x-ndjson');
  });
});

describe('answers', () => {
  const answerBulk = (answer: StubAnswer) => {
    stub.onRequest = ({ path }) => (path === '/_bulk' ? answer : undefined);
  };

  it.each<[StubAnswer, string]>([
    [{ status: 429 }, 'retriable SINK_THROTTLED'],
    [{ status: 503 }, 'retriable SINK_UNAVAILABLE'],
    [{ status: 401 }, 'config SINK_UNAUTHORIZED'],
    [{ status: 403 }, 'config SINK_UNAUTHORIZED'],
    [{ status: 404 }, 'config SINK_MISCONFIGURED'],
    [
      { status: 400, body: '<html>plain HTTP sent to a TLS port</html>', headers: { 'content-type': 'text/html' } },
      'config SINK_MISCONFIGURED',
    ],
    [{ status: 302, headers: { location: 'https://elsewhere' } }, 'config SINK_MISCONFIGURED'],
    [{ status: 200, body: 'not what it says' }, 'retriable SINK_ANSWER_INCOMPLETE'],
    [{ status: 200, body: { items: [] } }, 'retriable SINK_ANSWER_INCOMPLETE'],
    [{ status: 200, body: '<html></html>', headers: { 'content-type': 'text/html' } }, 'retriable SINK_ANSWER_INCOMPLETE'],
  ])('of %j mean the same for all records, are asked for once, and then work again', async (answer, expected) => {
    const sink = await open();
    answerBulk(answer);
    expect(await outcomesOf(sink, record('a', {}), record('b', {}))).toEqual([expected, expected]);
    expect(bulks()).toHaveLength(1);
    stub.onRequest = undefined;
    expect(await outcomesOf(sink, record('a', {}))).toEqual(['delivered']);
  });

  it.each([
    ['7', 7_000],
    [new Date(now + 60_000).toUTCString(), 60_000],
    ['soon', undefined],
  ])('with Retry-After %s say how long to wait', async (header, retryAfterMs) => {
    const sink = await open();
    answerBulk({ status: 429, headers: { 'retry-after': header } });
    const [outcome] = await sink.write([record('a', {})], { signal });
    expect(outcome).toBeInstanceOf(RetriableError);
    expect(outcome).toMatchObject({ retryAfterMs });
  });

  it('for single records concern only those', async () => {
    const sink = await open();
    stub.onItem = ({ action }) =>
      action['_id'] === 'b'
        ? { status: 429, error: { type: 'es_rejected_execution_exception' } }
        : action['_id'] === 'c'
          ? { status: 400, error: { type: 'document_parsing_exception', reason: 'Preview of value: hunter2' } }
          : undefined;
    const outcomes = await sink.write(
      ['a', 'b', 'c', 'd'].map((key) => record(key, {})),
      { signal },
    );
    expect(outcomes.map((outcome) => (typeof outcome === 'string' ? outcome : outcome.code))).toEqual([
      'delivered',
      'SINK_THROTTLED',
      'SINK_REJECTED_RECORD',
      'delivered',
    ]);
    expect(outcomes.map(String).join()).not.toContain('hunter2');
  });

  it('that a request is too large split it until one record is alone', async () => {
    const sink = await open({ checkPartitions: 'first' });
    stub.onRequest = ({ path, body }) => (path === '/_bulk' && body.length > 900 ? { status: 413 } : undefined);
    const records = Array.from({ length: 9 }, (_, n) => record(`k${n}`, { text: n === 4 ? 'x'.repeat(1_000) : '' }));
    const outcomes = await outcomesOf(sink, ...records);
    expect(outcomes).toEqual(records.map((_, n) => (n === 4 ? 'data SINK_RECORD_TOO_LARGE' : 'delivered')));
    expect(stub.documents.size).toBe(8);
  });

  it('that a request is malformed isolate the record that made it so', async () => {
    const sink = await open();
    stub.onRequest = ({ path, body }) =>
      path === '/_bulk' && body.includes('poison') ? { status: 400, body: { error: { type: 'illegal_argument_exception' } } } : undefined;
    expect(await outcomesOf(sink, record('a', {}), record('b', { x: 'poison' }), record('c', {}))).toEqual([
      'delivered',
      'data SINK_REJECTED_RECORD',
      'delivered',
    ]);
  });
});

describe('conflicts', () => {
  it('with a newer document are settled by what is stored', async () => {
    const sink = await open();
    await outcomesOf(sink, record('a', { n: 2 }, { offset: 20 }));
    expect(await outcomesOf(sink, record('a', { n: 1 }, { offset: 10 }), record('b', { n: 3 }, { offset: 21 }))).toEqual([
      'ignored',
      'delivered',
    ]);
    expect(stub.documents.get('quakes/a')?.source).toContain('"n":2');
  });

  it('with a version that somebody else raised are written on condition that nothing changed', async () => {
    const sink = await open();
    await outcomesOf(sink, record('a', { n: 1 }, { offset: 10 }));
    const there = stub.documents.get('quakes/a');
    if (there === undefined) throw new Error('Expected the document.');
    stub.documents.set('quakes/a', { ...there, version: 999_999_999n });
    expect(await outcomesOf(sink, record('a', { n: 2 }, { offset: 11 }))).toEqual(['delivered']);
    expect(stub.documents.get('quakes/a')?.source).toContain('"n":2');
    expect(lines().at(-2)).toEqual({ index: { _index: 'quakes', _id: 'a', if_seq_no: there.sequence, if_primary_term: 1 } });
  });

  it('with another partition stop the first records of that partition, and only those', async () => {
    const sink = await open();
    await outcomesOf(sink, record('a', { n: 1 }, { partition: 0, offset: 10 }), record('b', { n: 1 }, { partition: 1, offset: 10 }));
    const moved = [record('a', { n: 2 }, { partition: 3, offset: 90 }), record('c', { n: 2 }, { partition: 3, offset: 91 })];
    expect(await outcomesOf(sink, ...moved, record('b', { n: 2 }, { partition: 1, offset: 11 }))).toEqual([
      'config GUARD_AHEAD',
      'delivered',
      'delivered',
    ]);
    expect(stub.documents.get('quakes/a')?.source).toContain('"n":1');
    expect(stub.documents.get('quakes/b')?.source).toContain('"n":2');
  });

  it('are looked for once per partition, or always', async () => {
    const reads = () => stub.requests.filter(({ path }) => path === '/_mget').length;
    const first = await open();
    for (let n = 0; n < 3; n++) await outcomesOf(first, record('a', { n }, { partition: 0 }), record('b', { n }, { partition: 1 }));
    expect(reads()).toBe(1);
    const always = await open({ checkPartitions: 'always' });
    for (let n = 0; n < 3; n++) await outcomesOf(always, record('a', { n }, { partition: 0 }));
    expect(reads()).toBe(4);
  });

  it.each([
    ['security_exception', 'config SINK_UNAUTHORIZED'],
    ['no_shard_available_action_exception', 'retriable SINK_UNAVAILABLE'],
  ])('that cannot be read with %s are %s, and the records beside them go on', async (type, expected) => {
    const sink = await open();
    await outcomesOf(sink, record('a', { n: 2 }, { offset: 20 }));
    stub.onRequest = ({ path, body }) => {
      if (path !== '/_mget') return undefined;
      const { docs } = JSON.parse(body.toString()) as { docs: readonly { readonly _id: string }[] };
      return { status: 200, body: { docs: docs.map(({ _id }) => ({ _index: 'quakes', _id, error: { type } })) } };
    };
    expect(await outcomesOf(sink, record('a', { n: 1 }, { offset: 10 }), record('b', {}, { offset: 21 }))).toEqual([expected, 'delivered']);
  });

  it('are read with a routing where there is one', async () => {
    const sink = await open({ routing: 'key' });
    await outcomesOf(sink, record('a', {}));
    expect(JSON.parse(stub.requests[0]?.body.toString() ?? '')).toEqual({
      docs: [{ _index: 'quakes', _id: 'a', _source: ['_sluice'], routing: 'a' }],
    });
  });
});

describe('time', () => {
  it('that is over before the write sends nothing', async () => {
    const sink = await open();
    const outcomes = await sink.write([record('a', {})], { signal: AbortSignal.abort() });
    expect(outcomes).toEqual([new RetriableError('SINK_ABORTED', 'The time for writing is over')]);
    expect(stub.requests).toEqual([]);
  });

  it('that runs out lets go of the connection', async () => {
    const sink = await open();
    let arrived = () => {};
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    stub.onRequest = () => {
      arrived();
      return { status: 200, hang: true };
    };
    const controller = new AbortController();
    const writing = sink.write([record('a', {})], { signal: controller.signal });
    await waiting;
    controller.abort();
    expect(await writing).toEqual([new RetriableError('SINK_ABORTED', 'The time for writing is over')]);
  });
});

describe('probe', () => {
  it.each<[number, string | undefined]>([
    [200, undefined],
    [403, undefined],
    [401, 'SINK_UNAUTHORIZED'],
    [503, 'SINK_UNAVAILABLE'],
  ])('takes status %i for %s', async (status, code) => {
    const sink = await open();
    stub.onRequest = () => ({ status });
    const failure = await sink.probe?.({ signal }).then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    expect(failure).toBe(code);
  });

  it('asks for an index that was missing until it is there', async () => {
    const sink = await open();
    stub.onItem = () => ({ status: 404, error: { type: 'index_not_found_exception' } });
    expect(await outcomesOf(sink, record('a', {}))).toEqual(['config SINK_TARGET_MISSING']);
    stub.onRequest = ({ path }) => (path === '/quakes' ? { status: 404 } : undefined);
    await expect(sink.probe?.({ signal })).rejects.toMatchObject({ code: 'SINK_TARGET_MISSING' });
    stub.onRequest = undefined;
    await sink.probe?.({ signal });
  });
});
