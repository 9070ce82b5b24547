import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ObjectStore } from '../../lib/clients/object-store.ts';
import { ConfigError, DataError, RetriableError } from '../../lib/core/errors.ts';
import type { CloudCredentials } from '../../lib/core/sink.ts';
import { describeWith } from '../support/servers/shared.ts';
import {
  failWrites,
  type OssUnderTest,
  openStore,
  ossUnderTest,
  probeName,
  type S3UnderTest,
  type StoreUnderTest,
  s3UnderTest,
} from './object-store-support.ts';

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

  it('takes the time of the store when its own clock is wrong', async () => {
    await store.create('first', body, json, { signal });
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    failWrites(under, { status: 403, headers: { date }, body: '<Error><Code>RequestTimeTooSkewed</Code></Error>' }, 1);
    // What the fault says is not the store's time, so the store itself finds the next request an hour ahead.
    for (const _ of [1, 2])
      expect(await errorOf(store.create('a', body, json, { signal }))).toMatchObject({ class: 'retriable', code: 'SINK_CLOCK' });
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

  describe('asked for more', () => {
    let under: S3UnderTest;
    beforeAll(async () => {
      under = await s3UnderTest(s3);
    });
    afterAll(() => under.close());

    it('sends encryption, storage class, tags and checksum, all of them signed', async () => {
      const encryption = { type: 'KMS', key: 'arn:aws:kms:us-east-1:111122223333:key/1' };
      const store = await openStore(under, {
        options: { encryption, storageClass: 'STANDARD_IA', tags: { team: 'data lake' }, checksum: 'sha256' },
      });
      under.http.onRequest = ({ method }) => (method === 'PUT' ? { status: 200, headers: { etag: '"1"' } } : undefined);
      await store.put('a', body, json, { signal });
      under.http.onRequest = undefined;
      const headers = under.http.requests.at(-1)?.headers ?? {};
      expect(headers).toMatchObject({
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': encryption.key,
        'x-amz-storage-class': 'STANDARD_IA',
        'x-amz-tagging': 'team=data%20lake',
        'x-amz-checksum-sha256': createHash('sha256').update(body).digest('base64'),
      });
      for (const name of Object.keys(headers).filter((each) => each.startsWith('x-amz-'))) expect(headers.authorization).toContain(name);
      expect(headers['if-none-match']).toBeUndefined();
      await store.close();
    });

    it('tags objects for good', async () => {
      const store = await openStore(under, { options: { tags: { team: 'data lake+1', 'cost/center': '12' } } });
      await store.create('tagged', body, json, { signal });
      expect(await under.tags('tagged')).toEqual({ team: 'data lake+1', 'cost/center': '12' });
      await store.close();
    });

    it.each(['crc32', 'sha256', 'md5', 'none'] as const)('is checked by %s on its way', async (checksum) => {
      const store = await openStore(under, { options: { checksum } });
      expect(await store.create(`checked-${checksum}`, body, json, { signal })).toBe('created');
      const headers = under.http.requests.at(-1)?.headers ?? {};
      expect({
        md5: headers['content-md5'] !== undefined,
        crc32: headers['x-amz-checksum-crc32'] !== undefined,
        sha256: headers['x-amz-checksum-sha256'] !== undefined,
      }).toEqual({ md5: checksum === 'md5', crc32: checksum === 'crc32', sha256: checksum === 'sha256' });
      await store.close();
    });

    it('takes the credentials of the platform when it is given none, and says when there are none either', async () => {
      const { credentials: _, ...config } = under.config as { credentials: object };
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
      vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
      vi.stubEnv('AWS_ACCESS_KEY_ID', s3.accessKeyId);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.secretAccessKey);
      const store = await openStore({ ...under, config });
      expect(await store.create('by-the-platform', body, json, { signal })).toBe('created');
      await store.close();
      vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
      const without = await openStore({ ...under, config });
      expect(await errorOf(without.create('a', body, json, { signal }))).toMatchObject({ code: 'SINK_UNAUTHORIZED', unauthorized: true });
      await without.close();
      vi.unstubAllEnvs();
    });

    it('creates only what is not there in a bucket with versions too', async () => {
      await under.setVersioning('Enabled');
      const store = await openStore(under, { open: { probeName: 'versions/_sluice/probe' } });
      expect(await store.create('versioned', body, json, { signal })).toBe('created');
      expect(await store.create('versioned', body, json, { signal })).toBe('exists');
      await store.close();
    });
  });
});

describe('a stand-in for OSS', () => {
  describeStore(ossUnderTest);

  describe('as OSS is', () => {
    let under: OssUnderTest;
    beforeEach(async () => {
      under = await ossUnderTest();
    });
    afterEach(() => under.close());

    it.each(['Enabled', 'Suspended'] as const)('a bucket with versioning %s is refused, with the reason', async (versioning) => {
      under.server.versioning = versioning;
      const store = await openStore(under);
      const error = await errorOf(store.create('a', body, json, { signal }));
      expect(error).toMatchObject({ class: 'config', code: 'SINK_OVERWRITES' });
      expect((error as Error).message).toContain(`versioning ${versioning.toLowerCase()}`);
      expect(await errorOf(store.probe({ signal }))).toMatchObject({ code: 'SINK_OVERWRITES' });
      expect(await under.objects()).toEqual([]);
      await store.close();
    });

    it('a bucket that gets versioning later is refused at the next start', async () => {
      const before = await openStore(under);
      await before.create('a', body, json, { signal });
      await before.close();
      under.server.versioning = 'Enabled';
      const store = await openStore(under);
      expect(await errorOf(store.create('b', body, json, { signal }))).toMatchObject({ code: 'SINK_OVERWRITES' });
      await store.close();
    });

    it('versioning is refused also where nobody may ask for it', async () => {
      under.server.versioning = 'Enabled';
      under.http.onRequest = ({ query }) =>
        query.has('versioning') ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined;
      const store = await openStore(under);
      expect(await errorOf(store.create('a', body, json, { signal }))).toMatchObject({ code: 'SINK_OVERWRITES' });
      await store.close();
    });

    it('a store that loses metadata is refused', async () => {
      under.server.metadataPrefix = 'x-amz-meta-';
      const fine = await openStore(under);
      await fine.create('a', body, json, { signal });
      expect((await fine.head('a', { signal }))?.metadata).toEqual(json.metadata);
      await fine.close();
      const probe = under.server.objects.get(probeName);
      under.server.objects.set(probeName, { body: probe?.body ?? body, headers: { etag: '"1"' } });
      const store = await openStore(under);
      expect(await errorOf(store.create('b', body, json, { signal }))).toMatchObject({ class: 'config', code: 'SINK_MISCONFIGURED' });
      await store.close();
    });

    it('sends nothing that OSS refuses, and its own names for the rest', async () => {
      const store = await openStore(under, {
        options: { encryption: { type: 'SM4' }, storageClass: 'IA', tags: { team: 'lake' } },
      });
      await store.create('a', body, json, { signal });
      const { headers } = under.server.requests.at(-1) ?? { headers: {} };
      expect(headers).toMatchObject({
        'x-oss-forbid-overwrite': 'true',
        'x-oss-server-side-encryption': 'SM4',
        'x-oss-storage-class': 'IA',
        'x-oss-tagging': 'team=lake',
        'x-oss-meta-last-offset': '41',
        'content-md5': createHash('md5').update(body).digest('base64'),
        'content-length': String(body.length),
      });
      const signedAndSent = Object.keys(headers).filter((name) => /^x-amz-|^if-/.test(name));
      expect(signedAndSent.toSorted()).toEqual(
        ['x-amz-content-sha256', 'x-amz-date', 'x-amz-user-agent'].filter((name) => name in headers),
      );
      await store.close();
    });

    it('waits as long as OSS asks for', async () => {
      const store = await openStore(under);
      await store.create('first', body, json, { signal });
      failWrites(under, { status: 503, headers: { 'x-oss-qos-delay-time': '137' }, body: '<Error><Code>QpsLimitExceeded</Code></Error>' });
      expect(await errorOf(store.create('a', body, json, { signal }))).toMatchObject({ code: 'SINK_THROTTLED', retryAfterMs: 137 });
      await store.close();
    });

    it('uses the credentials that the platform lends at each request, and those only', async () => {
      const { credentials: _, ...config } = under.config as { credentials: object };
      const lend = (n: number) => {
        under.server.keys.clear();
        under.server.keys.set(`STS.${n}`, { secret: `secret-${n}`, token: `token-${n}` });
        lent = { accessKeyId: `STS.${n}`, accessKeySecret: `secret-${n}`, securityToken: `token-${n}` };
      };
      let lent: CloudCredentials | undefined;
      lend(1);
      const store = await openStore({ ...under, config }, { credentials: () => lent });
      expect(await store.create('a', body, json, { signal })).toBe('created');
      lend(2);
      expect(await store.create('b', body, json, { signal })).toBe('created');
      under.server.keys.set('STS.2', { secret: 'secret-2', token: 'another' });
      expect(await errorOf(store.create('c', body, json, { signal }))).toMatchObject({ class: 'config', unauthorized: true });
      lend(3);
      expect(await store.create('c', body, json, { signal })).toBe('created');
      lent = undefined;
      expect(await errorOf(store.create('d', body, json, { signal }))).toMatchObject({ code: 'SINK_UNAUTHORIZED', unauthorized: true });
      await store.close();
    });

    it('refuses what it was not asked for in its own words', async () => {
      for (const forcePathStyle of [false, true]) {
        const store = await openStore(under, { options: { store: 's3', forcePathStyle } });
        expect(await errorOf(store.put('a', body, json, { signal }))).toMatchObject({ class: 'config', code: 'SINK_MISCONFIGURED' });
        await store.close();
      }
    });
  });
});
