import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../lib/clients/object-store.ts';
import { ConfigError, DataError, RetriableError } from '../../lib/core/errors.ts';
import { describeWith } from '../support/servers/shared.ts';
import { failWrites, openStore, ossUnderTest, probeName, type StoreUnderTest, s3UnderTest } from './object-store-support.ts';

const signal = new AbortController().signal;
const json = { contentType: 'application/json', metadata: { 'last-offset': '41', 'kept-as': 'a b=c' } };
const body = Buffer.from('{"id":1}\n');

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'no error',
    (error: unknown) => error,
  );
}

async function namesIn(store: ObjectStore, range: Parameters<ObjectStore['list']>[0]): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list(range, { signal })) names.push(name);
  return names;
}

/** What a sink may rely on, whatever the store. */
function describeStore(open: () => Promise<StoreUnderTest>): void {
  let under: StoreUnderTest;
  let store: ObjectStore;
  beforeAll(async () => {
    under = await open();
  });
  afterAll(() => under.close());
  beforeEach(async () => {
    await under.clear();
    store = await openStore(under);
  });
  afterEach(async () => {
    under.http.onRequest = undefined;
    await under.network.pass();
    await store.close();
  });

  it('stores an object once, with its type, encoding and metadata', async () => {
    const headers = { ...json, contentEncoding: 'gzip' };
    expect(await store.create('a/b c+d=1/é&.json', body, headers, { signal })).toBe('created');
    expect(await store.create('a/b c+d=1/é&.json', Buffer.from('other'), headers, { signal })).toBe('exists');
    const found = await under.objects();
    expect(found).toMatchObject([{ name: 'a/b c+d=1/é&.json', body, contentType: 'application/json', contentEncoding: 'gzip' }]);
    expect(await store.head('a/b c+d=1/é&.json', { signal })).toEqual({ name: 'a/b c+d=1/é&.json', size: 9, metadata: json.metadata });
  });

  it('lets one of many writers at the same time create an object', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => store.create('race', Buffer.from(`${n}`), json, { signal }).catch((error: unknown) => error)),
    );
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
    for (const answer of answers) if (typeof answer !== 'string') expect(answer).toBeInstanceOf(RetriableError);
    const winner = answers.indexOf('created');
    expect((await under.objects()).map((object) => object.body.toString())).toEqual([`${winner}`]);
  });

  it('replaces an object with put', async () => {
    await store.put('manifest', Buffer.from('one'), json, { signal });
    await store.put('manifest', Buffer.from('two'), json, { signal });
    expect((await under.objects()).map((object) => object.body.toString())).toEqual(['two']);
  });

  it('stores an empty object, and one of several megabytes that cannot be compressed', async () => {
    const large = randomBytes(5_000_000);
    await store.create('empty', Buffer.alloc(0), json, { signal });
    await store.create('large', large, json, { signal });
    const found = new Map((await under.objects()).map((object) => [object.name, object.body]));
    expect(found.get('empty')).toEqual(Buffer.alloc(0));
    expect(found.get('large')?.equals(large)).toBe(true);
  });

  it('knows nothing of an object that is not there', async () => {
    expect(await store.head('nothing', { signal })).toBeUndefined();
  });

  it('lists names in the order of their bytes, between two names that need not exist', async () => {
    const names = ['p/a.json', 'p/a/1', 'p/b', 'p/Z', 'p/ä', 'p/日', 'p/a-1', 'q'];
    for (const name of names.toReversed()) await store.put(name, body, json, { signal });
    const ordered = ['p/Z', 'p/a-1', 'p/a.json', 'p/a/1', 'p/b', 'p/ä', 'p/日'];
    expect(await namesIn(store, { prefix: 'p/' })).toEqual(ordered);
    expect(await namesIn(store, { prefix: 'p/', startAfter: 'p/a.', endBefore: 'p/ä' })).toEqual(['p/a.json', 'p/a/1', 'p/b']);
    expect(await namesIn(store, { prefix: 'p/', startAfter: 'p/b', endBefore: 'p/日' })).toEqual(['p/ä']);
    expect(await namesIn(store, { prefix: 'nothing/' })).toEqual([]);
  });

  it('proves once that the store honours create, and leaves one small object for that', async () => {
    under.http.requests.length = 0;
    await store.create('a', body, json, { signal });
    await store.create('b', body, json, { signal });
    const writes = under.http.requests.filter(({ method }) => method === 'PUT').map(({ path }) => path.split('/').at(-1));
    expect(writes.filter((name) => name === 'probe').length).toBeLessThanOrEqual(2);
    expect(writes.slice(-2)).toEqual(['a', 'b']);
    await store.probe({ signal });
    expect(await namesIn(store, { prefix: probeName })).toEqual([probeName]);
  });

  it('sends each request once, and reads how long a throttled one has to wait', async () => {
    await store.create('first', body, json, { signal });
    failWrites(under, { status: 503, headers: { 'retry-after': '7' }, body: '<Error><Code>SlowDown</Code></Error>' });
    under.http.requests.length = 0;
    const error = await errorOf(store.create('a', body, json, { signal }));
    expect(error).toBeInstanceOf(RetriableError);
    expect(error).toMatchObject({ code: 'SINK_THROTTLED', retryAfterMs: 7_000 });
    expect(under.http.requests).toHaveLength(1);
    under.http.onRequest = undefined;
    expect(await store.create('a', body, json, { signal })).toBe('created');
  });

  it.each([
    ['500 without a word', { status: 500 }, RetriableError, 'SINK_UNAVAILABLE'],
    [
      '502 with a page',
      { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad gateway</html>' },
      RetriableError,
      'SINK_UNAVAILABLE',
    ],
    ['a full disk', { status: 507, body: '<Error><Code>InsufficientStorage</Code></Error>' }, RetriableError, 'SINK_FULL'],
    ['a quota used up', { status: 403, body: '<Error><Code>QuotaExceeded</Code></Error>' }, RetriableError, 'SINK_FULL'],
    ['a conflict', { status: 409, body: '<Error><Code>ConditionalRequestConflict</Code></Error>' }, RetriableError, 'SINK_CONFLICT'],
    ['an object too large', { status: 400, body: '<Error><Code>EntityTooLarge</Code></Error>' }, DataError, 'SINK_TOO_LARGE'],
    ['another region', { status: 301, body: '<Error><Code>PermanentRedirect</Code></Error>' }, ConfigError, 'SINK_MISCONFIGURED'],
    [
      'a page in the place of the store',
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Log in</html>' },
      RetriableError,
      'SINK_ANSWER_INCOMPLETE',
    ],
  ])('%s has its class', async (_, fault, type, code) => {
    await store.create('first', body, json, { signal });
    failWrites(under, fault);
    const error = await errorOf(store.create('a', body, json, { signal }));
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ code });
  });

  it('says that an object exists when the answer to its own creation was lost', async () => {
    await store.create('first', body, json, { signal });
    failWrites(under, 'answer lost', 1);
    expect(await errorOf(store.create('a', body, json, { signal }))).toBeInstanceOf(RetriableError);
    expect(await store.create('a', body, json, { signal })).toBe('exists');
    expect((await store.head('a', { signal }))?.metadata).toEqual(json.metadata);
  });

  it('lets go of a request that is not answered in time', async () => {
    const hasty = await openStore(under, { options: { requestTimeoutMs: 150 } });
    failWrites(under, 'answer held back');
    expect(await errorOf(hasty.create('a', body, json, { signal }))).toMatchObject({ code: 'SINK_TIMEOUT' });
    await hasty.close();
  });

  it('lets go when the signal aborts, and sends nothing once it has', async () => {
    await store.create('first', body, json, { signal });
    under.network.hang();
    const controller = new AbortController();
    const creating = errorOf(store.create('a', body, json, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 50);
    expect(await creating).toMatchObject({ code: 'SINK_ABORTED' });
    under.network.cut(); // what the network held back is lost
    await under.network.pass();
    under.http.requests.length = 0;
    expect(await errorOf(store.head('a', { signal: controller.signal }))).toMatchObject({ code: 'SINK_ABORTED' });
    expect(under.http.requests.filter(({ method }) => method === 'HEAD')).toEqual([]);
  });

  it('is retriable while nothing listens, and goes on when it does', async () => {
    await under.network.refuse();
    expect(await errorOf(store.create('a', body, json, { signal }))).toMatchObject({ class: 'retriable', code: 'SINK_UNREACHABLE' });
    await under.network.pass();
    expect(await store.create('a', body, json, { signal })).toBe('created');
  });

  it('does not take a listing that was cut for the whole of it', async () => {
    await store.put('p/a', body, json, { signal });
    under.http.onRequest = ({ query }) => (query.has('list-type') ? 'answer cut' : undefined);
    expect(await errorOf(namesIn(store, { prefix: 'p/' }))).toMatchObject({ class: 'retriable' });
  });

  it('says when access is refused, and names no secret', async () => {
    const secrets = { ...under.secrets, KEY_SECRET: 'a-wrong-secret' };
    const refused = await openStore(under, { secrets });
    const error = await errorOf(refused.create('a', body, json, { signal }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ unauthorized: true });
    expect(JSON.stringify([(error as Error).message, error, (error as Error).cause])).not.toMatch(/wrong-secret|KEY_ID|LTAI|sluice-tests/);
    await refused.close();
  });

  it('says when the bucket does not exist', async () => {
    const lost = await openStore(under, { options: { bucket: 'no-such-bucket' } });
    expect(await errorOf(lost.create('a', body, json, { signal }))).toMatchObject({ class: 'config', code: 'SINK_TARGET_MISSING' });
    expect(await errorOf(lost.probe({ signal }))).toMatchObject({ class: 'config', code: 'SINK_TARGET_MISSING' });
    await lost.close();
  });

  it('refuses a store that overwrites although it was asked not to', async () => {
    const forgetful = await openStore(under, { open: { probeName: 'other/_sluice/forgetful' } });
    under.http.onRequest = ({ method, path }) =>
      method === 'PUT' && path.endsWith('forgetful') ? { status: 200, headers: { etag: '"1"' } } : undefined;
    const error = await errorOf(forgetful.create('a', body, json, { signal }));
    expect(error).toMatchObject({ class: 'config', code: 'SINK_OVERWRITES' });
    expect(await under.objects()).toEqual([]);
    await forgetful.close();
  });
}

describeWith(['s3'], 'a real S3 server', ({ s3 }) => {
  describeStore(() => s3UnderTest(s3));
});

describe('a stand-in for OSS', () => {
  describeStore(ossUnderTest);
});
