import { describe, expect, it } from 'vitest';
import { ConfigError, RetriableError } from '../../lib/core/errors.ts';
import { openedSink } from '../../lib/core/opened-sink.ts';
import { record } from '../support/records.ts';
import type { RequestKind } from '../support/servers/maxcompute/request.ts';
import { defaultAccount } from '../support/servers/maxcompute.ts';
import { connection, inWords, newBench, numbered, openSink, originColumns, write } from './maxcompute-support.ts';

const bench = newBench();
const { errorOf, meet, offsets, open } = bench;
const dataRequest = { stream: 'writeStream', block: 'block' } as const;
const openRequest = { stream: 'openStream', block: 'create' } as const;

describe.each(['stream', 'block'] as const)('MaxCompute through the %s tunnel', (upload) => {
  describe('credentials', () => {
    it('a rotated key is refused once, then read afresh and used', async () => {
      const known: Record<string, string> = { ID: defaultAccount.accessId, KEY: defaultAccount.accessKey };
      const options = { ...connection(bench.server), table: 'things', mode: 'value', upload };
      const reads: boolean[] = [];
      const sink = openedSink(
        async ({ fresh }) => {
          reads.push(fresh);
          return await openSink(options, { known: fresh ? known : { ...known, KEY: defaultAccount.accessKey } });
        },
        async () => undefined,
      );
      bench.closeLater(sink);
      expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
      bench.server.accounts.set(defaultAccount.accessId, { accessKey: 'rotated' });
      expect(inWords(await write(sink, numbered(1)))).toEqual(['config SINK_UNAUTHORIZED']);
      known['KEY'] = 'rotated';
      await sink.reopen({ signal: AbortSignal.timeout(5_000) }); // as every batch begins after a refusal
      expect(inWords(await write(sink, numbered(2)))).toEqual(['delivered', 'delivered']);
      expect(reads).toEqual([false, true, true]);
    });

    it.each([
      ['a wrong key', { KEY: 'wrong' }],
      ['an unknown account', { ID: 'nobody' }],
    ])('%s is a ConfigError that asks for secrets to be read again', async (_, wrong) => {
      const sink = await open({ upload }, { known: { ID: defaultAccount.accessId, KEY: defaultAccount.accessKey, ...wrong } });
      expect(await errorOf(sink)).toMatchObject({ code: 'SINK_UNAUTHORIZED', unauthorized: true });
      await expect(sink.probe?.({ signal: AbortSignal.timeout(5_000) })).rejects.toMatchObject({ code: 'SINK_UNAUTHORIZED' });
    });

    it('temporary credentials are used with their token, as the platform lends them at each request', async () => {
      const lend = (n: number) => ({ accessKeyId: `sts-${n}`, accessKeySecret: `secret-${n}`, securityToken: `token-${n}` });
      const admit = (n: number, expiresAt: number) =>
        bench.server.accounts.set(`sts-${n}`, { accessKey: `secret-${n}`, securityToken: `token-${n}`, expiresAt });
      let lent = lend(1);
      admit(1, Date.now() + 60_000);
      const { credentials: _, ...rest } = connection(bench.server);
      const sink = await openSink({ ...rest, table: 'things', mode: 'value', upload }, { credentials: () => lent });
      bench.closeLater(sink);
      expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
      admit(1, Date.now() - 1);
      expect(await errorOf(sink)).toMatchObject({ code: 'SINK_UNAUTHORIZED', unauthorized: true });
      admit(2, Date.now() + 60_000);
      lent = lend(2);
      expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
    });

    it('a clock that is off heals with the time of the service', async () => {
      const sink = await open({ upload }, { now: () => Date.now() - 3_600_000 });
      const first = inWords(await write(sink, numbered(1)));
      expect(['retriable SINK_CLOCK', 'delivered']).toContain(first[0]);
      expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
    });
  });

  describe('what is missing', () => {
    it.each([
      ['table', { table: 'nowhere' }, 'SINK_TARGET_MISSING'],
      ['project', { project: 'nowhere' }, 'SINK_TARGET_MISSING'],
      ['schema', { schema: 'nowhere' }, 'SINK_TARGET_MISSING'],
      ['quota', { quota: 'nowhere' }, 'SINK_MISCONFIGURED'],
      ['partition', { createPartitions: false }, 'SINK_TARGET_MISSING'],
    ])('a %s is a ConfigError, and so it is for the probe where that looks', async (what, options, code) => {
      const sink = await open({ upload, ...options });
      const error = await errorOf(sink);
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({ code, unauthorized: false });
      expect(offsets()).toEqual([]);
      if (!['quota', 'partition'].includes(what))
        await expect(sink.probe?.({ signal: AbortSignal.timeout(5_000) })).rejects.toMatchObject({ code });
    });

    it.each([
      ['a column of the origin', { columns: { topic: 'string', offset: 'bigint', value: 'string' } }, {}, '"partition"'],
      ['the column of the value', { columns: { ...originColumns, key: 'string' } }, {}, '"value"'],
      ['a column that is named', { columns: { ...originColumns, id: 'bigint' } }, { columns: { id: 'id', total: 'total' } }, '"total"'],
    ])('%s is named in the ConfigError', async (_, { columns }, options, name) => {
      bench.server.createTable('short', { columns: columns as unknown as Record<string, string>, partitionedBy: { pt: 'string' } });
      const sink = await open({ upload, table: 'short', ...options });
      const error = await errorOf(sink);
      expect(error).toMatchObject({ class: 'config', code: 'SINK_COLUMN_MISSING' });
      expect(String(error)).toContain(name);
      await expect(sink.probe?.({ signal: AbortSignal.timeout(5_000) })).rejects.toThrow(name);
    });

    it('a column of another type, or one that has to have a value, is named as well', async () => {
      bench.server.createTable('typed', { columns: { ...originColumns, value: 'bigint' }, partitionedBy: { pt: 'string' } });
      bench.server.createTable('needy', {
        columns: { ...originColumns, value: 'string', who: 'string not null' },
        partitionedBy: { pt: 'string' },
      });
      expect(String(await errorOf(await open({ upload, table: 'typed' })))).toMatch(/"value".*STRING.*BIGINT/);
      expect(String(await errorOf(await open({ upload, table: 'needy' })))).toMatch(/"who".*NOT NULL/);
    });

    it('partition columns that are others are a ConfigError that names both', async () => {
      const sink = await open({ upload, partition: { column: 'day' } });
      expect(String(await errorOf(sink))).toMatch(/day.*pt/);
      expect(String(await errorOf(await open({ upload, partition: false })))).toMatch(/none.*pt/);
    });

    it('a partition that somebody else makes at the same time is used', async () => {
      const sinks = await Promise.all([open({ upload }), open({ upload }), open({ upload })]);
      const outcomes = await Promise.all(
        sinks.map((sink, n) =>
          write(
            sink,
            numbered(2).map((each) => ({ ...each, part: n })),
          ),
        ),
      );
      expect(inWords(outcomes.flat())).toEqual(Array(6).fill('delivered'));
      expect(offsets()).toEqual([0, 0, 0, 1, 1, 1]);
      expect(bench.server.partitions('things')).toEqual(['pt=1970-01-01 08']);
    });
  });

  describe('throttling and failures of the service', () => {
    it.each([
      ['Retry-After in seconds', { headers: { 'retry-after': '7' } }, 7_000],
      ['a hold in the body', { holdClientMs: 1_500 }, 1_500],
      ['a hold that is longer than clients wait', { holdClientMs: 60_000 }, 10_000],
    ])('%s goes up with the error', async (_, how, retryAfterMs) => {
      const sink = await open({ upload });
      meet([dataRequest[upload]], { code: 'FlowExceeded', ...how });
      const error = await errorOf(sink);
      expect(error).toBeInstanceOf(RetriableError);
      expect(error).toMatchObject({ code: 'SINK_THROTTLED', retryAfterMs });
      expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
      expect(offsets()).toEqual([0]);
    });

    it('Retry-After as a date goes up with the error', async () => {
      const sink = await open({ upload });
      meet([openRequest[upload]], { code: 'SlotExceeded', headers: { 'retry-after': new Date(Date.now() + 30_000).toUTCString() } });
      const { retryAfterMs = 0 } = (await errorOf(sink)) as RetriableError;
      expect(retryAfterMs).toBeGreaterThan(25_000);
      expect(retryAfterMs).toBeLessThanOrEqual(30_000);
    });

    it.each([
      ['500 in JSON', { code: 'InternalServerError' }],
      ['503 in XML', { code: 'ServiceUnavailable', form: 'xml' }],
      ['502 from a proxy, in HTML', { code: 'BadGateway', status: 502, form: 'html' }],
      ['504 from a proxy, in HTML', { code: 'GatewayTimeout', status: 504, form: 'html' }],
      ['408', { code: 'RequestTimeOut', status: 408 }],
      ['a session that is gone', { code: upload === 'stream' ? 'StreamSessionNotFound' : 'NoSuchUpload' }],
      ['a slot that moved', { code: 'SlotMoved', status: 308 }],
    ] as const)('%s is retriable wherever it happens, and passes', async (_, fault) => {
      const sink = await open({ upload });
      const steps: readonly RequestKind[] = [
        'table',
        openRequest[upload],
        dataRequest[upload],
        ...(upload === 'block' ? (['reload', 'commit'] as const) : []),
      ];
      for (const step of steps) {
        const fresh = step === 'table' || step === openRequest[upload] ? await open({ upload }) : sink;
        meet([step], fault);
        const [outcome] = await write(fresh, numbered(1));
        if (outcome !== 'delivered') expect(outcome, step).toMatchObject({ class: 'retriable' });
        else expect(step).toBe('commit'); // the state of the session says what became of it
        expect(inWords(await write(fresh, numbered(1))), step).toEqual(['delivered']);
      }
      expect(new Set(offsets())).toEqual(new Set([0]));
    });

    it('a refusal that comes before a large body has been read is read all the same', async () => {
      const sink = await open({ upload, compression: 'none' });
      const large = [record('k', 'x'.repeat(7_000_000), { timestamp: 0, offset: 0 })];
      meet([dataRequest[upload]], { code: 'FlowExceeded', early: true });
      expect(inWords(await write(sink, large))).toEqual(['retriable SINK_THROTTLED']);
      expect(inWords(await write(sink, large))).toEqual(['delivered']);
      expect(offsets()).toEqual([0]);
    });

    it('a permission that was taken away is a ConfigError', async () => {
      const sink = await open({ upload });
      meet([dataRequest[upload]], { code: 'NoPermission' });
      expect(await errorOf(sink)).toMatchObject({ class: 'config', code: 'SINK_UNAUTHORIZED', unauthorized: true });
    });

    it('rows that did not arrive as they were sent are sent again', async () => {
      const sink = await open({ upload });
      meet([dataRequest[upload]], { code: 'CorruptedDataStream' });
      expect(inWords(await write(sink, numbered(2)))).toEqual(['retriable SINK_UNAVAILABLE', 'retriable SINK_UNAVAILABLE']);
      expect(inWords(await write(sink, numbered(2)))).toEqual(['delivered', 'delivered']);
      expect(offsets()).toEqual([0, 1]);
    });

    it('a record that only the service refuses is found, and its neighbours are written once', async () => {
      const sink = await open({ upload });
      // The third of four: all, then its half, then itself are refused.
      const refusals = [true, false, true, true, false];
      bench.server.fault = ({ kind }) =>
        kind === dataRequest[upload] && refusals.shift() === true ? { code: 'DataStoreError' } : undefined;
      const outcomes = inWords(await write(sink, numbered(4)));
      expect(outcomes.map((outcome) => outcome.split(' ')[0])).toEqual(['delivered', 'delivered', 'data', 'delivered']);
      expect(offsets()).toEqual([0, 1, 3]);
    });

    it('one partition that fails leaves the others', async () => {
      const sink = await open({ upload });
      const records = [0, 1, 2, 3].map((day) => record('k', 'v', { offset: day, timestamp: day * 86_400_000 }));
      bench.server.fault = ({ kind, query }) =>
        kind === dataRequest[upload] && query.get('partition')?.startsWith('pt=1970-01-03') ? { code: 'ServiceUnavailable' } : undefined;
      const outcomes = inWords(await write(sink, records));
      expect(outcomes).toEqual(['delivered', 'delivered', 'retriable SINK_UNAVAILABLE', 'delivered']);
      expect(offsets()).toEqual([0, 1, 3]);
    });
  });

  describe('the network', () => {
    it('a connection that is cut while rows are sent leaves nothing of that request', async () => {
      const sink = await open({ upload, compression: 'none' });
      const records = numbered(3).map((each) => ({ ...each, value: 'x'.repeat(1_000_000) }));
      meet([dataRequest[upload]], 'cut');
      expect(inWords(await write(sink, records))).toEqual(Array(3).fill('retriable SINK_UNREACHABLE'));
      expect(offsets()).toEqual([]);
      expect(inWords(await write(sink, records))).toEqual(Array(3).fill('delivered'));
      expect(offsets()).toEqual([0, 1, 2]);
    });

    it('an answer that does not come in time is retriable', async () => {
      const sink = await open({ upload, requestTimeoutMs: 1_000 });
      meet([dataRequest[upload]], 'hang');
      expect(inWords(await write(sink, numbered(1)))).toEqual(['retriable SINK_TIMEOUT']);
      expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
      expect(offsets()).toEqual([0]);
    });

    it('a service that hangs is let go when the time is over', async () => {
      const sink = await open({ upload });
      for (const step of [openRequest[upload], dataRequest[upload]]) {
        meet([step], 'hang');
        const startedAt = Date.now();
        expect(inWords(await write(sink, numbered(1), AbortSignal.timeout(150)))).toEqual(['retriable ABORTED']);
        expect(Date.now() - startedAt).toBeLessThan(2_000);
      }
      bench.server.fault = undefined;
      expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
      expect(offsets()).toEqual([0]);
    });

    it('a slow service delays, and nothing else', async () => {
      const sink = await open({ upload });
      meet([openRequest[upload], dataRequest[upload], 'commit'], { delayMs: 100 }, 3);
      expect(inWords(await write(sink, numbered(2)))).toEqual(['delivered', 'delivered']);
      expect(offsets()).toEqual([0, 1]);
    });

    it('sessions that have expired are replaced', async () => {
      const sink = await open({ upload });
      expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
      bench.server.expireSessions();
      const [first] = inWords(await write(sink, numbered(1)));
      expect(['retriable SINK_SESSION_LOST', 'delivered']).toContain(first);
      if (first !== 'delivered') expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
      expect(offsets()).toEqual([0, 0]);
    });
  });
});
