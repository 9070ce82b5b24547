import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, RetriableError } from '../../lib/core/errors.ts';
import { openedSink } from '../../lib/core/opened-sink.ts';
import type { KafkaRecord } from '../../lib/core/record.ts';
import type { Sink } from '../../lib/core/sink.ts';
import { type RecordOptions, record } from '../support/records.ts';
import type { RequestKind } from '../support/servers/maxcompute/request.ts';
import { defaultAccount, type Fault, firstOf, type MaxComputeServer, startMaxCompute } from '../support/servers/maxcompute.ts';
import { connection, inWords, openSink, originColumns, write } from './maxcompute-support.ts';

let server: MaxComputeServer;
let opened: Sink[] = [];
beforeEach(async () => {
  server = await startMaxCompute();
  server.createTable('things', { columns: { ...originColumns, value: 'string' }, partitionedBy: { pt: 'string' } });
});
afterEach(async () => {
  await Promise.all(opened.map((sink) => sink.close?.()));
  opened = [];
  await server.stop();
});

async function open(options: object = {}, context: Parameters<typeof openSink>[1] = {}): Promise<Sink> {
  const sink = await openSink({ ...connection(server), table: 'things', mode: 'value', ...options }, context);
  opened.push(sink);
  return sink;
}

/** All in one partition. */
const numbered = (count: number, options: RecordOptions = {}): KafkaRecord[] =>
  Array.from({ length: count }, (_, offset) => record('k', `value ${offset}`, { timestamp: 0, offset, ...options }));
const offsets = (table = 'things') =>
  server
    .rows(table)
    .map(({ offset }) => Number(offset))
    .toSorted((a, b) => a - b);
const sent = (kind: RequestKind) => server.requests.filter((request) => request.kind === kind);
const errorOf = async (sink: Sink, records: readonly KafkaRecord[] = numbered(1)): Promise<unknown> => (await write(sink, records))[0];
const meet = (kinds: readonly RequestKind[], fault: Fault, times = 1) => {
  server.fault = firstOf(kinds, fault, times);
};
const dataRequest = { stream: 'writeStream', block: 'block' } as const;
const openRequest = { stream: 'openStream', block: 'create' } as const;

describe.each(['stream', 'block'] as const)('MaxCompute through the %s tunnel', (upload) => {
  describe('credentials', () => {
    it('a rotated key is refused once, then read afresh and used', async () => {
      const known: Record<string, string> = { ID: defaultAccount.accessId, KEY: defaultAccount.accessKey };
      const options = { ...connection(server), table: 'things', mode: 'value', upload };
      const reads: boolean[] = [];
      const sink = openedSink(
        async ({ fresh }) => {
          reads.push(fresh);
          return await openSink(options, { known: fresh ? known : { ...known, KEY: defaultAccount.accessKey } });
        },
        async () => undefined,
      );
      opened.push(sink);
      expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
      server.accounts.set(defaultAccount.accessId, { accessKey: 'rotated' });
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
        server.accounts.set(`sts-${n}`, { accessKey: `secret-${n}`, securityToken: `token-${n}`, expiresAt });
      let lent = lend(1);
      admit(1, Date.now() + 60_000);
      const { credentials: _, ...rest } = connection(server);
      const sink = await openSink({ ...rest, table: 'things', mode: 'value', upload }, { credentials: () => lent });
      opened.push(sink);
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
      server.createTable('short', { columns: columns as unknown as Record<string, string>, partitionedBy: { pt: 'string' } });
      const sink = await open({ upload, table: 'short', ...options });
      const error = await errorOf(sink);
      expect(error).toMatchObject({ class: 'config', code: 'SINK_COLUMN_MISSING' });
      expect(String(error)).toContain(name);
      await expect(sink.probe?.({ signal: AbortSignal.timeout(5_000) })).rejects.toThrow(name);
    });

    it('a column of another type, or one that has to have a value, is named as well', async () => {
      server.createTable('typed', { columns: { ...originColumns, value: 'bigint' }, partitionedBy: { pt: 'string' } });
      server.createTable('needy', {
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
      expect(server.partitions('things')).toEqual(['pt=1970-01-01 08']);
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
      server.fault = ({ kind }) => (kind === dataRequest[upload] && refusals.shift() === true ? { code: 'DataStoreError' } : undefined);
      const outcomes = inWords(await write(sink, numbered(4)));
      expect(outcomes.map((outcome) => outcome.split(' ')[0])).toEqual(['delivered', 'delivered', 'data', 'delivered']);
      expect(offsets()).toEqual([0, 1, 3]);
    });

    it('one partition that fails leaves the others', async () => {
      const sink = await open({ upload });
      const records = [0, 1, 2, 3].map((day) => record('k', 'v', { offset: day, timestamp: day * 86_400_000 }));
      server.fault = ({ kind, query }) =>
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
      const sink = await open({ upload, requestTimeoutMs: 200 });
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
      server.expireSessions();
      const [first] = inWords(await write(sink, numbered(1)));
      expect(['retriable SINK_SESSION_LOST', 'delivered']).toContain(first);
      if (first !== 'delivered') expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
      expect(offsets()).toEqual([0, 0]);
    });
  });
});

describe('what streams leave when an answer is lost', () => {
  it('the rows of that request twice at most, and no others', async () => {
    const sink = await open({ blockBytes: 1_000, compression: 'none' });
    const records = numbered(40).map((each) => ({ ...each, value: 'x'.repeat(100) }));
    let requests = 0;
    server.fault = ({ kind }) => (kind === 'writeStream' && ++requests === 3 ? 'answer lost' : undefined);
    const outcomes = inWords(await write(sink, records));
    const delivered = outcomes.indexOf('retriable SINK_UNREACHABLE');
    expect(delivered).toBeGreaterThan(5);
    expect(outcomes.slice(0, delivered)).toEqual(Array(delivered).fill('delivered'));
    const stored = offsets().length;
    expect(stored).toBeGreaterThan(delivered); // the write happened, and nobody was told
    expect(inWords(await write(sink, records.slice(delivered)))).toEqual(Array(40 - delivered).fill('delivered'));
    const found = offsets();
    const twice = found.filter((offset, index) => found.indexOf(offset) < index);
    expect(twice).toEqual(Array.from({ length: stored - delivered }, (_, index) => delivered + index));
    expect(new Set(found).size).toBe(40);
  });

  it('nothing twice when the stream could not even be opened', async () => {
    const sink = await open();
    meet(['openStream'], 'answer lost');
    expect(inWords(await write(sink, numbered(2)))).toEqual(Array(2).fill('retriable SINK_UNREACHABLE'));
    expect(inWords(await write(sink, numbered(2)))).toEqual(['delivered', 'delivered']);
    expect(offsets()).toEqual([0, 1]);
  });

  it('the columns of the origin tell which rows are there twice', async () => {
    const sink = await open();
    meet(['writeStream'], 'answer lost');
    await write(sink, numbered(3));
    await write(sink, numbered(3));
    const distinct = new Set(server.rows('things').map(({ topic, partition, offset }) => `${topic}-${partition}@${offset}`));
    expect([server.rows('things').length, distinct.size]).toEqual([6, 3]);
  });
});

describe('streams that the service moves about', () => {
  it('follow their slots to another server', async () => {
    const sink = await open();
    for (let offset = 0; offset < 3; offset++) {
      server.moveSlots();
      expect(inWords(await write(sink, [record('k', 'v', { offset, timestamp: 0 })]))).toEqual(['delivered']);
    }
    const servers = sent('writeStream').map(({ headers }) => headers['odps-tunnel-routed-server']);
    expect(servers[1]).toBe(servers[0]); // where the second was sent, the move was not known yet
    expect(servers[2]).not.toBe(servers[0]);
    expect(sent('openStream')).toHaveLength(1);
    expect(offsets()).toEqual([0, 1, 2]);
  });

  it('are waited for until they are ready', async () => {
    await server.stop();
    server = await startMaxCompute({ streamsStartIn: 2 });
    server.createTable('things', { columns: { ...originColumns, value: 'string' }, partitionedBy: { pt: 'string' } });
    expect(inWords(await write(await open(), numbered(1)))).toEqual(['delivered']);
    expect(sent('reloadStream')).toHaveLength(2);
    expect(offsets()).toEqual([0]);
  });

  it('fields of 8 MiB go through, and larger ones are refused alone', async () => {
    const sink = await open();
    const bytes = 8 * 1024 * 1024;
    const values = ['small', 'x'.repeat(bytes), 'x'.repeat(bytes + 1)];
    const records = values.map((value, offset) => record('k', value, { offset, timestamp: 0 }));
    expect(inWords(await write(sink, records))).toEqual(['delivered', 'delivered', 'data VALUE_INVALID']);
    expect(server.rows('things').map(({ value }) => String(value).length)).toEqual([5, bytes]);
  });
});

describe('what block uploads leave when a commit is unclear', () => {
  it.each(['answer lost', 'partial answer'] as const)(
    'each row once after %s, as the session says that it was committed',
    async (fault) => {
      const sink = await open({ upload: 'block', blockBytes: 1_000, compression: 'none' });
      const records = numbered(40);
      meet(['commit'], fault);
      expect(inWords(await write(sink, records))).toEqual(Array(40).fill('delivered'));
      expect(sent('block').length).toBeGreaterThan(1);
      expect(offsets()).toEqual(records.map(({ origin }) => origin.offset));
      expect(sent('commit')).toHaveLength(1);
    },
  );

  it('each row once, when nobody can be asked until the same records come again', async () => {
    const sink = await open({ upload: 'block' });
    server.fault = ({ kind }) => {
      if (sent('commit').length > 0 && kind === 'reload') return { code: 'ServiceUnavailable' };
      return kind === 'commit' ? 'answer lost' : undefined;
    };
    expect(inWords(await write(sink, numbered(5)))).toEqual(Array(5).fill('retriable SINK_UNAVAILABLE'));
    server.fault = undefined;
    expect(inWords(await write(sink, numbered(5)))).toEqual(Array(5).fill('delivered'));
    expect(offsets()).toEqual([0, 1, 2, 3, 4]);
  });

  it('each row at least once, when the records come again in another cut', async () => {
    const sink = await open({ upload: 'block' });
    server.fault = ({ kind }) => {
      if (sent('commit').length > 0 && kind === 'reload') return { code: 'ServiceUnavailable' };
      return kind === 'commit' ? 'answer lost' : undefined;
    };
    await write(sink, numbered(5));
    server.fault = undefined;
    expect(inWords(await write(sink, numbered(3)))).toEqual(Array(3).fill('delivered'));
    expect(inWords(await write(sink, numbered(5).slice(3)))).toEqual(Array(2).fill('delivered'));
    expect(new Set(offsets())).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(offsets().length).toBeLessThanOrEqual(10);
  });

  it('nothing of a commit that did not happen, until the records come again', async () => {
    const sink = await open({ upload: 'block' });
    meet(['commit'], 'cut');
    expect(inWords(await write(sink, numbered(3)))).toEqual(Array(3).fill('retriable SINK_UNREACHABLE'));
    expect(offsets()).toEqual([]);
    expect(inWords(await write(sink, numbered(3)))).toEqual(Array(3).fill('delivered'));
    expect(offsets()).toEqual([0, 1, 2]);
  });

  it('a commit that hangs after it happened is found out when the same records come again', async () => {
    const sink = await open({ upload: 'block', requestTimeoutMs: 30_000 });
    meet(['commit'], 'answer late');
    expect(inWords(await write(sink, numbered(3), AbortSignal.timeout(400)))).toEqual(Array(3).fill('retriable ABORTED'));
    expect(inWords(await write(sink, numbered(3)))).toEqual(Array(3).fill('delivered'));
    expect(offsets()).toEqual([0, 1, 2]);
  });

  it('nothing is committed while a block is missing that was answered with success', async () => {
    const sink = await open({ upload: 'block', blockBytes: 1_000, compression: 'none' });
    let blocks = 0;
    server.fault = ({ kind }) => (kind === 'block' && ++blocks === 2 ? 'lie' : undefined);
    const records = numbered(60).map((each) => ({ ...each, value: 'x'.repeat(100) }));
    expect(inWords(await write(sink, records))).toEqual(Array(60).fill('retriable SINK_SESSION_LOST'));
    expect(blocks).toBeGreaterThan(2);
    expect([sent('commit').length, offsets().length]).toEqual([0, 0]);
    expect(inWords(await write(sink, records))).toEqual(Array(60).fill('delivered'));
    expect(offsets()).toEqual(records.map(({ origin }) => origin.offset));
  });

  it('blocks are counted from 0 in each session', async () => {
    const sink = await open({ upload: 'block', blockBytes: 1_000, compression: 'none' });
    await write(sink, numbered(30));
    await write(sink, numbered(30));
    const sessions = Map.groupBy(sent('block'), ({ query }) => query.get('uploadid'));
    expect(sessions.size).toBe(2);
    for (const blocks of sessions.values())
      expect(blocks.map(({ query }) => Number(query.get('blockid')))).toEqual(blocks.map((_, index) => index));
  });

  it('a statement that fails, or is refused for now, says why', async () => {
    const sink = await open({ upload: 'block' });
    meet(['submit'], { code: 'ServiceUnavailable' });
    expect(inWords(await write(sink, numbered(1)))).toEqual(['retriable SINK_UNAVAILABLE']);
    meet(['submit'], { code: 'NoPermission', message: 'ODPS-0130013:Authorization exception - no CreateInstance' });
    expect(await errorOf(sink)).toMatchObject({ code: 'SINK_UNAUTHORIZED', unauthorized: true });
    expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
    expect(offsets()).toEqual([0]);
  });
});
