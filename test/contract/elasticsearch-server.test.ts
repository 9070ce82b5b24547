import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/core/config.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { KafkaRecord } from '../../lib/core/record.ts';
import { retrying } from '../../lib/core/retry.ts';
import type { Outcome, Sink } from '../../lib/core/sink.ts';
import { elasticsearch } from '../../lib/sinks/elasticsearch.ts';
import { record } from '../support/records.ts';
import { startBulkStub } from '../support/servers/bulk-stub.ts';
import { certificates } from '../support/servers/certificates.ts';
import { startElasticsearch } from '../support/servers/elasticsearch.ts';
import type { SearchServer } from '../support/servers/search-node.ts';
import { describeWith } from '../support/servers/shared.ts';

let opened: Sink[] = [];
const { signal } = new AbortController();
let names = 0;
const uniqueName = () => `sluice-server-${process.pid}-${names++}`;

afterEach(async () => {
  await Promise.all(opened.map((sink) => sink.close?.()));
  opened = [];
});

async function open(options: object, secrets: Readonly<Record<string, string>> = {}): Promise<Sink> {
  const config = parseConfig(elasticsearch.config, options, 'connector.sink');
  expect(elasticsearch.check?.(config)).toEqual([]);
  const secret = async (reference: object) => ('env' in reference ? (secrets[String(reference.env)] ?? '') : '');
  const sink = await elasticsearch.open(config, { connector: 'test', log: silentLog, now: Date.now, secret });
  opened.push(sink);
  return sink;
}

async function call(node: string, method: string, path: string, body?: object | string): Promise<Readonly<Record<string, unknown>>> {
  const type = typeof body === 'string' ? 'application/x-ndjson' : 'application/json';
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${node}${path}`, {
    method,
    ...(text === undefined ? {} : { headers: { 'content-type': type }, body: text }),
  });
  return (await response.json()) as Readonly<Record<string, unknown>>;
}

const source = async (node: string, index: string, id: string): Promise<unknown> =>
  (await call(node, 'GET', `/${index}/_doc/${encodeURIComponent(id)}`))['_source'];
const count = async (node: string, index: string): Promise<unknown> => {
  await call(node, 'POST', `/${index}/_refresh`);
  return (await call(node, 'GET', `/${index}/_count`))['count'];
};
const inWords = (outcomes: readonly Outcome[]) =>
  outcomes.map((outcome) => (typeof outcome === 'string' ? outcome : `${outcome.class} ${outcome.code}`));
const write = async (sink: Sink, ...records: KafkaRecord[]) => inWords(await sink.write(records, { signal }));

describe('an Elasticsearch with little room', () => {
  let server: SearchServer;
  beforeAll(async () => {
    server = await startElasticsearch({
      settings: { 'http.max_content_length': '1mb', 'thread_pool.write.size': '1', 'thread_pool.write.queue_size': '1' },
    });
  });
  afterAll(() => server?.stop());

  it('throttles many writers at once, and in the end every record is there once', async () => {
    const index = uniqueName();
    await call(server.node, 'PUT', `/${index}`, { settings: { number_of_shards: 4, number_of_replicas: 0 } });
    const sink = await open({ node: server.node, index, checkPartitions: 'always' });
    let throttled = 0;
    const counting: Sink = {
      async write(records, options) {
        const outcomes = await sink.write(records, options);
        throttled += inWords(outcomes).filter((outcome) => outcome === 'retriable SINK_THROTTLED').length;
        return outcomes;
      },
    };
    const clock = { now: Date.now, random: Math.random, sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) };
    const patient = retrying(counting, { baseMs: 20, capMs: 300, maxElapsedMs: 40_000 }, { clock });
    const writers = Array.from({ length: 16 }, (_, partition) =>
      patient.write(
        Array.from({ length: 50 }, (_, offset) => record(`${partition}-${offset}`, { text: 'x'.repeat(500) }, { partition, offset })),
        { signal },
      ),
    );
    const outcomes = inWords((await Promise.all(writers)).flat());
    expect(new Set(outcomes)).toEqual(new Set(['delivered']));
    expect(throttled).toBeGreaterThan(0);
    expect(await count(server.node, index)).toBe(16 * 50);
  });

  it('refuses a request that is too large, which is then split; a record that is too large alone fails alone', async () => {
    const index = uniqueName();
    const sink = await open({ node: server.node, index });
    const large = 'x'.repeat(400_000);
    const records = [1, 2, 3, 4].map((n) => record(`k${n}`, { large }));
    expect(await write(sink, ...records, record('huge', { text: 'x'.repeat(1_100_000) }), record('small', { n: 1 }))).toEqual([
      ...records.map(() => 'delivered'),
      'data SINK_RECORD_TOO_LARGE',
      'delivered',
    ]);
    expect(await count(server.node, index)).toBe(5);
  });
});

describeWith(['elasticsearch'], 'what only a real Elasticsearch says', ({ elasticsearch: { node } }) => {
  it('fails the record that a pipeline fails on, although the server answers 500, and marks deleted ones without the pipeline', async () => {
    const [index, pipeline] = [uniqueName(), uniqueName()];
    await call(node, 'PUT', `/_ingest/pipeline/${pipeline}`, { processors: [{ fail: { message: 'always' } }] });
    const sink = await open({ node, index, pipeline });
    expect(await write(sink, record('a', { n: 1 }), record('b', null))).toEqual(['data SINK_REJECTED_RECORD', 'delivered']);
    expect(await source(node, index, 'b')).toMatchObject({ _sluice: { deleted: true } });
  });

  it('applies a pipeline that works', async () => {
    const [index, pipeline] = [uniqueName(), uniqueName()];
    await call(node, 'PUT', `/_ingest/pipeline/${pipeline}`, { processors: [{ set: { field: 'seen', value: true } }] });
    expect(await write(await open({ node, index, pipeline }), record('a', { n: 1 }))).toEqual(['delivered']);
    expect(await source(node, index, 'a')).toMatchObject({ n: 1, seen: true });
  });

  it('stops at a pipeline that does not exist, an index that is closed, and an index that is blocked', async () => {
    const index = uniqueName();
    const sink = await open({ node, index });
    expect(await write(await open({ node, index, pipeline: 'sluice-none' }), record('a', {}))).toEqual(['config SINK_MISCONFIGURED']);
    expect(await write(sink, record('a', {}))).toEqual(['delivered']);
    await call(node, 'PUT', `/${index}/_settings`, { 'index.blocks.write': true });
    expect(await write(sink, record('a', {}))).toEqual(['config SINK_TARGET_BLOCKED']);
    await call(node, 'PUT', `/${index}/_settings`, { 'index.blocks.write': false });
    expect(await write(sink, record('a', {}))).toEqual(['delivered']);
    await call(node, 'POST', `/${index}/_close`);
    expect(await write(sink, record('a', {}))).toEqual(['config SINK_TARGET_BLOCKED']);
  });

  it('waits for an operator at the limit of fields', async () => {
    const index = uniqueName();
    await call(node, 'PUT', `/${index}`, { settings: { 'index.mapping.total_fields.limit': 12 } });
    const sink = await open({ node, index });
    const wide = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`f${n}`, n]));
    expect(await write(sink, record('a', wide), record('b', {}))).toEqual(['retriable SINK_LIMIT', 'delivered']);
  });

  it('makes new documents only, and tells a replay from the document of somebody else', async () => {
    const index = uniqueName();
    const sink = await open({ node, index, write: 'create' });
    await call(node, 'PUT', `/${index}/_create/foreign`, { who: 'somebody else' });
    const first = record('a', { n: 1 }, { offset: 10 });
    expect(await write(sink, first, record('foreign', { n: 2 }))).toEqual(['delivered', 'data SINK_DOCUMENT_EXISTS']);
    const newer = record('a', { n: 3 }, { offset: 12 });
    const older = record('a', { n: 0 }, { offset: 9 });
    expect(await write(sink, first, newer, older)).toEqual(['delivered', 'data SINK_DOCUMENT_EXISTS', 'ignored']);
    expect(await source(node, index, 'a')).toMatchObject({ n: 1 });
    expect(await source(node, index, 'foreign')).toEqual({ who: 'somebody else' });
  });

  it('replaces the document of somebody else whose version is lower, and says GUARD_AHEAD where it is higher', async () => {
    const index = uniqueName();
    const sink = await open({ node, index });
    await call(node, 'PUT', `/${index}/_doc/low`, { who: 'somebody else' });
    await call(node, 'PUT', `/${index}/_doc/high?version=9000000000000&version_type=external`, { who: 'somebody else' });
    expect(await write(sink, record('low', { n: 1 }), record('high', { n: 1 }))).toEqual(['delivered', 'config GUARD_AHEAD']);
    expect(await write(sink, record('high', { n: 2 }, { epoch: 1 }))).toEqual(['delivered']);
    expect(await source(node, index, 'high')).toMatchObject({ n: 2 });
  });

  it('goes on where somebody else updated a document and so raised its version', async () => {
    const index = uniqueName();
    const sink = await open({ node, index });
    expect(await write(sink, record('a', { n: 1 }, { offset: 1 }))).toEqual(['delivered']);
    for (let n = 0; n < 3; n++) await call(node, 'POST', `/${index}/_update/a`, { doc: { theirs: n } });
    expect(await write(sink, record('a', { n: 1 }, { offset: 1 }))).toEqual(['delivered']);
    expect(await source(node, index, 'a')).toMatchObject({ n: 1, theirs: 2 });
    const next = record('a', { n: 2 }, { offset: 1, part: 1 });
    expect(await write(sink, next)).toEqual(['delivered']);
    expect(await source(node, index, 'a')).toMatchObject({ n: 2 });
    expect(await write(sink, record('a', { n: 1 }, { offset: 1 }))).toEqual(['ignored']);
    expect(await source(node, index, 'a')).toMatchObject({ n: 2 });
  });

  it('keeps deleted documents as markers that a search can tell, and brings one back', async () => {
    const index = uniqueName();
    const sink = await open({ node, index, refresh: true });
    await write(sink, record('a', { n: 1 }), record('b', { n: 2 }));
    await write(sink, record('a', null));
    const living = async () => {
      const query = { bool: { must_not: { term: { '_sluice.deleted': true } } } };
      const { hits } = (await call(node, 'POST', `/${index}/_search`, { query })) as { hits: { hits: { _id: string }[] } };
      return hits.hits.map(({ _id }) => _id);
    };
    expect(await living()).toEqual(['b']);
    await write(sink, record('a', { n: 3 }));
    expect((await living()).toSorted()).toEqual(['a', 'b']);
    expect(await source(node, index, 'a')).not.toMatchObject({ _sluice: { deleted: true } });
  });

  it('adds to a data stream and knows its own records there, by the index behind it', async () => {
    const index = uniqueName();
    await call(node, 'PUT', `/_index_template/${index}`, {
      index_patterns: [index],
      data_stream: {},
      priority: 500,
      template: { mappings: { properties: { '@timestamp': { type: 'date' } } } },
    });
    const entry = record('a', { '@timestamp': 1, n: 1 });
    expect(await write(await open({ node, index, id: 'record' }), entry)).toEqual(['config SINK_MISCONFIGURED']);
    const sink = await open({ node, index, id: 'record', write: 'create', dataStream: true });
    expect(await write(sink, entry, record('b', { n: 2 }))).toEqual(['delivered', 'data SINK_REJECTED_RECORD']);
    expect(await write(sink, entry)).toEqual(['delivered']);
    expect(await count(node, index)).toBe(1);
  });

  it('writes through an alias, and to several indices in one request', async () => {
    const [index, alias] = [uniqueName(), uniqueName()];
    await call(node, 'PUT', `/${index}`, { aliases: { [alias]: {} } });
    const sink = await open({ node, index: alias, requireAlias: true, allow: ['sluice-server-*'] });
    expect(await write(sink, record('a', {}), record('b', {}, { target: 'sluice-server-none' }))).toEqual([
      'delivered',
      'config SINK_TARGET_MISSING',
    ]);
    expect(await count(node, index)).toBe(1);
    await expect(sink.probe?.({ signal })).rejects.toMatchObject({ code: 'SINK_TARGET_MISSING' });
  });

  it('finds documents by their routing again', async () => {
    const index = uniqueName();
    await call(node, 'PUT', `/${index}`, { settings: { number_of_shards: 3 }, mappings: { _routing: { required: true } } });
    expect(await write(await open({ node, index }), record('a', {}))).toEqual(['config SINK_MISCONFIGURED']);
    const sink = await open({ node, index, routing: 'key' });
    const newer = record('a', { n: 2 }, { offset: 2 });
    expect(await write(sink, newer)).toEqual(['delivered']);
    expect(await write(sink, record('a', { n: 1 }, { offset: 1 }))).toEqual(['ignored']);
  });
});

describe('TLS', () => {
  it('needs the authority that signed the certificate, and says so', async () => {
    const { dir, ca, strangerCa } = await certificates();
    const [key, cert] = await Promise.all([readFile(join(dir, 'broker.key'), 'utf8'), readFile(join(dir, 'broker.crt'), 'utf8')]);
    const stub = await startBulkStub({ tls: { key, cert } });
    try {
      const options = { node: stub.node, index: 'quakes' };
      expect(await write(await open({ ...options, tls: { ca } }), record('a', {}))).toEqual(['delivered']);
      expect(await write(await open({ ...options, tls: { ca: { env: 'CA' } } }, { CA: ca }), record('a', {}))).toEqual(['delivered']);
      expect(await write(await open({ ...options, tls: { verify: false } }), record('a', {}))).toEqual(['delivered']);
      expect(await write(await open(options), record('a', {}))).toEqual(['config SINK_TLS']);
      expect(await write(await open({ ...options, tls: { ca: strangerCa } }), record('a', {}))).toEqual(['config SINK_TLS']);
      const plain = { ...options, node: stub.node.replace('https', 'http') };
      expect(await write(await open(plain), record('a', {}))).toEqual(['retriable SINK_UNREACHABLE']);
    } finally {
      await stub.stop();
    }
    const unprotected = await startBulkStub();
    try {
      const options = { node: unprotected.node.replace('http', 'https'), index: 'quakes' };
      expect(await write(await open(options), record('a', {}))).toEqual(['config SINK_TLS']);
    } finally {
      await unprotected.stop();
    }
  });
});

it('gives up on a server that does not answer in time', async () => {
  const stub = await startBulkStub();
  try {
    stub.onRequest = () => ({ status: 200, hang: true });
    const sink = await open({ node: stub.node, index: 'quakes', requestTimeoutMs: 200 });
    expect(await write(sink, record('a', {}))).toEqual(['retriable SINK_TIMEOUT']);
    stub.onRequest = undefined;
    expect(await write(sink, record('a', {}))).toEqual(['delivered']);
  } finally {
    await stub.stop();
  }
});
