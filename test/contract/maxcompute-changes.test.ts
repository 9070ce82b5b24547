import { describe, expect, it } from 'vitest';
import type { Sink } from '../../lib/core/sink.ts';
import { record } from '../support/records.ts';
import { inWords, newBench, numbered, originColumns, write } from './maxcompute-support.ts';

const bench = newBench();
const { errorOf, offsets, open, sent } = bench;

describe.each(['stream', 'block'] as const)('tables of MaxCompute that change while the %s tunnel is used', (upload) => {
  const partitionedBy = { pt: 'string' };
  const deliver = async (sink: Sink, value: object) => inWords(await write(sink, [record('k', value, { timestamp: 0, offset: 0 })]));

  it('a column that was added is filled as soon as a session shows it', async () => {
    bench.server.createTable('grows', { columns: { ...originColumns, id: 'bigint' }, partitionedBy });
    const sink = await open({ table: 'grows', format: 'flatten', upload, unknownFields: 'ignore' });
    expect(await deliver(sink, { id: 1 })).toEqual(['delivered']);
    bench.server.addColumns('grows', { extra: 'string' });
    bench.server.expireSessions();
    if (upload === 'stream') await deliver(sink, { id: 2, extra: 'x' });
    expect(await deliver(sink, { id: 3, extra: 'x' })).toEqual(['delivered']);
    expect(bench.server.rows('grows').at(-1)).toMatchObject({ id: 3, extra: 'x' });
  });

  it('a table that was made again with other columns takes what fits them', async () => {
    bench.server.createTable('turns', { columns: { ...originColumns, id: 'bigint' }, partitionedBy });
    const sink = await open({ table: 'turns', format: 'flatten', upload });
    expect(await deliver(sink, { id: 1 })).toEqual(['delivered']);
    bench.server.dropTable('turns');
    bench.server.createTable('turns', { columns: { id: 'string', ...originColumns }, partitionedBy });
    const [first] = await deliver(sink, { id: 2 });
    expect(['delivered', 'retriable SINK_TABLE_CHANGED']).toContain(first);
    if (first !== 'delivered') expect(await deliver(sink, { id: 2 })).toEqual(['delivered']);
    expect(bench.server.rows('turns')).toMatchObject([{ id: '2', topic: 'orders' }]);
  });

  it('a table that was dropped is a ConfigError, until it is there again', async () => {
    const sink = await open({ upload });
    expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
    bench.server.dropTable('things');
    expect(await errorOf(sink)).toMatchObject({ class: 'config', code: 'SINK_TARGET_MISSING' });
    bench.server.createTable('things', { columns: { ...originColumns, value: 'string' }, partitionedBy });
    expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
    expect(offsets()).toEqual([0]);
  });

  it('a partition that was dropped since is created again, unless partitions are not', async () => {
    const writing = upload === 'stream' ? 'writeStream' : 'block';
    for (const [createPartitions, expected] of [
      [true, 'retriable SINK_SESSION_LOST'],
      [false, 'config SINK_TARGET_MISSING'],
    ] as const) {
      expect(inWords(await write(await open({ upload }), numbered(1)))).toEqual(['delivered']);
      const sink = await open({ upload, createPartitions });
      bench.meet([writing], { code: 'NoSuchPartition' });
      expect(inWords(await write(sink, numbered(1)))).toEqual([expected]);
      expect(inWords(await write(sink, numbered(1)))).toEqual(['delivered']);
    }
  });

  it('records choose among the tables that are allowed, and a table that fails leaves the others', async () => {
    for (const name of ['orders_eu', 'orders_us'])
      bench.server.createTable(name, { columns: { ...originColumns, value: 'string' }, partitionedBy });
    const sink = await open({ table: 'orders_{header:region}', allow: ['orders_*'], upload });
    const to = (region: string, offset: number) =>
      record('k', 'v', { timestamp: 0, offset, headers: [{ key: 'region', value: Buffer.from(region) }] });
    const outcomes = inWords(await write(sink, [to('eu', 0), to('us', 1), to('nowhere', 2), to('eu', 3), to('../eu', 4)]));
    expect(outcomes.slice(0, 2)).toEqual(['delivered', 'delivered']);
    expect(outcomes[2]).toBe('config SINK_TARGET_MISSING');
    expect(outcomes[3]).toBe('delivered');
    expect(outcomes[4]).toMatch(/^data /);
    expect([offsets('orders_eu'), offsets('orders_us')]).toEqual([[0, 3], [1]]);
  });
});

describe('streams that the service moves about', () => {
  it('follow their slots to another server', async () => {
    const sink = await open();
    for (let offset = 0; offset < 3; offset++) {
      bench.server.moveSlots();
      expect(inWords(await write(sink, [record('k', 'v', { offset, timestamp: 0 })]))).toEqual(['delivered']);
    }
    const servers = sent('writeStream').map(({ headers }) => headers['odps-tunnel-routed-server']);
    expect(servers[1]).toBe(servers[0]); // where the second was sent, the move was not known yet
    expect(servers[2]).not.toBe(servers[0]);
    expect(sent('openStream')).toHaveLength(1);
    expect(offsets()).toEqual([0, 1, 2]);
  });

  it('are waited for until they are ready', async () => {
    await bench.restart({ streamsStartIn: 2 });
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
    expect(bench.server.rows('things').map(({ value }) => String(value).length)).toEqual([5, bytes]);
  });
});
