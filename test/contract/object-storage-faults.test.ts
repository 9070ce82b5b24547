import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/core/config.ts';
import { openedSink } from '../../lib/core/opened-sink.ts';
import { failAll, sinkFailure } from '../../lib/core/outcome.ts';
import type { KafkaRecord } from '../../lib/core/record.ts';
import type { CloudCredentials, OpenContext, Outcome, Sink } from '../../lib/core/sink.ts';
import { objectStorage } from '../../lib/sinks/object-storage.ts';
import { record } from '../support/records.ts';
import { describeWith } from '../support/servers/shared.ts';
import { samples } from './kit/samples.ts';
import { recordsOf } from './object-storage-support.ts';
import { failWrites, type OssUnderTest, ossUnderTest, type StoreUnderTest, s3UnderTest } from './object-store-support.ts';

const signal = new AbortController().signal;

interface Changes {
  readonly options?: object;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly credentials?: OpenContext['credentials'];
}

function openSink(
  under: Pick<StoreUnderTest, 'config' | 'secrets'>,
  { options, secrets = under.secrets, credentials }: Changes = {},
): Promise<Sink> {
  const given = { ...under.config, path: 'lake/{timestamp:yyyy}', envelope: ['metadata'], ...options };
  return objectStorage.open(parseConfig(objectStorage.config, given, 'connector.sink'), {
    connector: 'to-lake',
    configVersion: '1a2b3c4d',
    now: Date.now,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    secret: async (reference) => ('env' in reference ? (secrets[reference.env] ?? '') : ''),
    ...(credentials === undefined ? {} : { credentials }),
  });
}

function ten(from = 0): KafkaRecord[] {
  return Array.from({ length: 10 }, (_, n) =>
    record(`key-${n}`, { n: from + n }, { offset: from + n, timestamp: 1_760_000_000_000 + from + n }),
  );
}

async function write(sink: Sink, records: readonly KafkaRecord[], until = signal): Promise<readonly Outcome[]> {
  return sink.write(records, { signal: until }).catch((error: unknown) => failAll(records.length, sinkFailure(error)));
}

async function numbersIn(under: StoreUnderTest): Promise<number[]> {
  const values = (await under.objects()).flatMap(recordsOf).map(({ value }) => (value as { n: number }).n);
  return values.toSorted((a, b) => a - b);
}

const delivered = Array<Outcome>(10).fill('delivered');
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

function describeFaults(open: () => Promise<StoreUnderTest>): void {
  let under: StoreUnderTest;
  let sink: Sink;
  beforeAll(async () => {
    under = await open();
  });
  afterAll(() => under.close());
  beforeEach(async () => {
    await under.clear();
    sink = await openSink(under);
  });
  afterEach(async () => {
    under.http.onRequest = undefined;
    await under.network.pass();
    await sink.close?.();
  });

  it('finds its own object when the answer to its creation was lost', async () => {
    failWrites(under, 'answer lost', 1);
    expect((await write(sink, ten()))[0]).toMatchObject({ class: 'retriable' });
    expect(await numbersIn(under)).toEqual(upTo(10));
    expect(await write(sink, ten())).toEqual(delivered);
    expect(await numbersIn(under)).toEqual(upTo(10));
    const names = (await under.objects()).map(({ name }) => name);
    expect(names).toHaveLength(1);
    expect(names[0]).toMatch(/^lake\/2025\//);
  });

  it('finds its own object after its own timeout, also when it comes again cut otherwise', async () => {
    const hasty = await openSink(under, { options: { requestTimeoutMs: 300 } });
    await write(hasty, ten(100));
    await under.clear();
    failWrites(under, 'answer held back', 1);
    expect((await write(hasty, ten()))[0]).toMatchObject({ class: 'retriable', code: 'SINK_TIMEOUT' });
    under.http.onRequest = undefined;
    expect(await write(hasty, [...ten().slice(4), ...ten(10)])).toEqual([...delivered.slice(4), ...delivered]);
    expect(await numbersIn(under)).toEqual(upTo(20));
    await hasty.close?.();
  });

  it('says how long a throttled write has to wait', async () => {
    await write(sink, ten());
    failWrites(under, { status: 503, headers: { 'retry-after': '7' }, body: '<Error><Code>SlowDown</Code></Error>' });
    for (const outcome of await write(sink, ten(10))) expect(outcome).toMatchObject({ code: 'SINK_THROTTLED', retryAfterMs: 7_000 });
    under.http.onRequest = undefined;
    expect(await write(sink, ten(10))).toEqual(delivered);
    expect(await numbersIn(under)).toEqual(upTo(20));
  });

  it.each([
    ['an outage', 503, 'ServiceUnavailable'],
    ['a full disk', 507, 'InsufficientStorage'], // as versitygw answers, which finds out by ENOSPC
    ['a quota used up', 403, 'QuotaExceeded'],
  ])('delivers after %s', async (_, status, code) => {
    failWrites(under, { status, body: `<Error><Code>${code}</Code></Error>` });
    expect((await write(sink, ten()))[9]).toMatchObject({ class: 'retriable' });
    expect(await under.objects()).toEqual([]);
    under.http.onRequest = undefined;
    expect(await write(sink, ten())).toEqual(delivered);
    expect(await numbersIn(under)).toEqual(upTo(10));
  });

  it('delivers through a slow network', async () => {
    under.network.delay(30);
    expect(await write(sink, ten())).toEqual(delivered);
    under.network.delay(0);
    expect(await numbersIn(under)).toEqual(upTo(10));
  });

  it('leaves one object when the connection breaks in the middle of a large one', async () => {
    const large = upTo(3).map((n) =>
      record(`key-${n}`, { n, text: 'x'.repeat(1_500_000) }, { offset: n, timestamp: 1_760_000_000_000 + n }),
    );
    await write(sink, ten(100));
    await under.clear();
    under.network.delay(20);
    const writing = write(sink, large);
    await sleep(60);
    under.network.cut();
    under.network.delay(0);
    expect((await writing)[0]).toMatchObject({ class: 'retriable' });
    await write(sink, large); // other connections may have broken as well
    expect(await write(sink, large)).toEqual(delivered.slice(0, 3));
    expect(await numbersIn(under)).toEqual(upTo(3));
  });

  it('heals by itself when its secret was rotated', async () => {
    let secrets: Readonly<Record<string, string>> = { ...under.secrets, KEY_SECRET: 'from-before-the-rotation' };
    const opened = openedSink(
      ({ fresh }) => {
        if (fresh) secrets = under.secrets;
        return openSink(under, { secrets });
      },
      (ms) => sleep(ms),
    );
    expect(await opened.write(ten(), { signal })).toEqual(delivered);
    expect(await numbersIn(under)).toEqual(upTo(10));
    await opened.close?.();
  });

  it('refuses a store that overwrites, before it has written a record', async () => {
    under.http.onRequest = ({ method, path }) =>
      method === 'PUT' && path.endsWith('probe') ? { status: 200, headers: { etag: '"1"' } } : undefined;
    const other = await openSink(under, { options: { path: 'other/{timestamp:yyyy}' } });
    for (const outcome of await write(other, ten())) expect(outcome).toMatchObject({ class: 'config', code: 'SINK_OVERWRITES' });
    expect(await under.objects()).toEqual([]);
    await other.close?.();
  });

  it('keeps odd texts in the cells of a CSV, and odd bytes between lengths', async () => {
    const texts = samples.flatMap(({ value }) =>
      typeof value === 'object' && value !== null && 'text' in value ? [String(value.text)] : [],
    );
    const columns = { format: 'csv', csv: { columns: ['text', { name: 'second', field: 'deep.text' }], delimiter: ',' }, envelope: [] };
    const rows = await openSink(under, { options: { ...columns, path: 'rows' } });
    const values = [...texts, ' spaces ', 'a,b', '"', '', 'null', '=1+1'];
    const records = values.map((text, offset) => record(`${offset}`, { text, deep: { text } }, { offset }));
    expect(await write(rows, records)).toEqual(values.map(() => 'delivered'));
    const found = (await under.objects()).flatMap(recordsOf).map(({ value }) => value);
    expect(found).toEqual(values.map((text) => ({ text: text.toWellFormed(), second: text.toWellFormed() })));
    await rows.close?.();
    await under.clear();

    const frames = await openSink(under, {
      options: { path: 'frames', format: 'raw', framing: 'length', compression: 'gzip', envelope: [] },
    });
    const bytes = [...samples.map(({ json }) => `${json}\n`), ''].map((text, offset) => record(`${offset}`, Buffer.from(text), { offset }));
    expect(await write(frames, bytes)).toEqual(bytes.map(() => 'delivered'));
    const read = (await under.objects()).flatMap(recordsOf).map(({ value }) => value);
    expect(read).toEqual(bytes.map(({ value }) => String(value)));
    await frames.close?.();
  });
}

describeWith(['s3'], 'on a real S3 server', ({ s3 }) => {
  describeFaults(() => s3UnderTest(s3));
});

describe('on a stand-in for OSS', () => {
  describeFaults(ossUnderTest);

  describe('as OSS is', () => {
    let under: OssUnderTest;
    beforeEach(async () => {
      under = await ossUnderTest();
    });
    afterEach(() => under.close());

    it.each(['Enabled', 'Suspended'] as const)('refuses a bucket with versioning %s, with the reason', async (versioning) => {
      under.server.versioning = versioning;
      const sink = await openSink(under);
      const [outcome] = await write(sink, ten());
      expect(outcome).toMatchObject({ class: 'config', code: 'SINK_OVERWRITES' });
      expect((outcome as Error).message).toContain(`versioning ${versioning.toLowerCase()}`);
      await expect(sink.probe?.({ signal })).rejects.toMatchObject({ code: 'SINK_OVERWRITES' });
      expect(await under.objects()).toEqual([]);
      await sink.close?.();
    });

    it('goes on when the credentials of the function change from one write to the next', async () => {
      const { credentials: _, ...config } = under.config as { credentials: object };
      let lent: CloudCredentials | undefined;
      const lend = (n: number) => {
        under.server.keys.clear();
        under.server.keys.set(`STS.${n}`, { secret: `secret-${n}`, token: `token-${n}` });
        lent = { accessKeyId: `STS.${n}`, accessKeySecret: `secret-${n}`, securityToken: `token-${n}` };
      };
      lend(1);
      const sink = await openSink({ ...under, config }, { credentials: () => lent });
      expect(await write(sink, ten())).toEqual(delivered);
      lend(2);
      expect(await write(sink, ten(10))).toEqual(delivered);
      expect(await numbersIn(under)).toEqual(upTo(20));
      await sink.close?.();
    });
  });
});
