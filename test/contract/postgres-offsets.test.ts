import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { KafkaRecord } from '../../lib/core/record.ts';
import type { Sink } from '../../lib/core/sink.ts';
import { type RecordOptions, record } from '../support/records.ts';
import { describeWith } from '../support/servers/shared.ts';
import { codes, openWorkbench, rawRecord, signal, type Workbench } from './postgres-support.ts';

const options = { table: 'things', offsets: {}, autoCreate: false };
const definition =
  'create table sluice_offsets (connector text, target text, topic text, "partition" integer, epoch integer, "offset" bigint, part integer, gaps text, refused text, "timestamp" bigint, newest bigint, updated_at timestamptz default now(), primary key (connector, target, topic, "partition", epoch))';

describeWith(['postgres'], 'rows and offsets in one transaction of PostgreSQL', ({ postgres: server }) => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench(server, 'contract_offsets');
  });
  afterAll(() => bench?.close());
  beforeEach(async () => {
    await bench.client.query(`drop schema public cascade; create schema public; create table things (n int check (n >= 0)); ${definition}`);
  });
  const numbers = async () => (await bench.rows('select n from things order by n')).map(({ n }) => n);
  const at = (offset: number, more: RecordOptions = {}) => record(null, { n: offset }, { offset, timestamp: 1_000 + offset, ...more });
  const poison = (offset: number) => record(null, { n: -1 }, { offset, timestamp: 1_000 + offset });

  it('adds a record once, however often it comes and from whichever writer', async () => {
    const [one, two] = [await bench.open(options), await bench.open(options)];
    expect(codes(await one.write([at(1), at(2)], { signal }))).toEqual(['delivered', 'delivered']);
    expect(codes(await two.write([at(1), at(2), at(3)], { signal }))).toEqual(Array(3).fill('delivered'));
    expect(codes(await one.write([at(2), at(3)], { signal }))).toEqual(['delivered', 'delivered']);
    expect(codes(await one.write([at(4), at(4)], { signal }))).toEqual(['delivered', 'delivered']);
    expect(await numbers()).toEqual([1, 2, 3, 4]);
  });

  it('adds the bytes of records once as well', async () => {
    const sink = await bench.open(options);
    const raw = (offset: number) => rawRecord(null, `{"n": ${offset}}`, { offset, timestamp: 1_000 });
    for (let round = 0; round < 3; round++) await sink.write([raw(1), raw(2), raw(3 + round)], { signal });
    expect(await numbers()).toEqual([1, 2, 3, 4, 5]);
  });

  it('lets two writers at the same time add each record once', async () => {
    const sinks = await Promise.all([1, 2, 3, 4].map(() => bench.open({ ...options, connections: 1 })));
    const records = Array.from({ length: 200 }, (_, n) => at(n));
    await Promise.all(sinks.map((sink, index) => sink.write(records.slice(index * 10), { signal })));
    await sinks[0]?.write(records, { signal });
    expect(await numbers()).toEqual(records.map((_, n) => n));
  });

  it('writes several batches at the same time with a single connection', async () => {
    const sink = await bench.open({ ...options, table: 'fresh', autoCreate: true, connections: 1 });
    await bench.client.query('drop table sluice_offsets');
    const partitions = [0, 1, 2, 3].map((partition) => Array.from({ length: 50 }, (_, n) => at(n, { partition })));
    const outcomes = await Promise.all(partitions.map((records) => sink.write(records, { signal })));
    expect(new Set(outcomes.flatMap(codes))).toEqual(new Set(['delivered']));
    expect((await bench.rows('select count(*)::int as n from fresh'))[0]).toEqual({ n: 200 });
  });

  it('goes on around a refused record, and adds it when it comes again and fits', async () => {
    const sink = await bench.open(options);
    expect(codes(await sink.write([at(1), poison(2), at(3), poison(4)], { signal }))).toEqual([
      'delivered',
      'data SINK_REJECTED_RECORD',
      'delivered',
      'data SINK_REJECTED_RECORD',
    ]);
    expect(codes(await sink.write([poison(2), poison(2), at(3), at(4), at(5)], { signal }))).toEqual([
      'data SINK_REJECTED_RECORD',
      'data SINK_REJECTED_RECORD',
      'delivered',
      'delivered',
      'delivered',
    ]);
    expect(codes(await sink.write([at(2), at(3)], { signal }))).toEqual(['delivered', 'delivered']);
    expect(codes(await sink.write([at(2), poison(4)], { signal }))).toEqual(['delivered', 'delivered']);
    expect(await numbers()).toEqual([1, 2, 3, 4, 5]);
  });

  it('tells parts of a fan-out, partitions, epochs and topics apart', async () => {
    const sink = await bench.open(options);
    const records = [at(1), at(1, { part: 1 }), at(1, { partition: 1 }), at(1, { epoch: 1 }), at(1, { topic: 'others' })];
    for (const each of [records.slice(0, 1), records.slice(0, 3), records]) await sink.write(each, { signal });
    expect(await numbers()).toEqual(Array(5).fill(1));
  });

  it('takes a replayed dead letter for a record of its own', async () => {
    const sink = await bench.open(options);
    await sink.write([at(1), poison(2), at(3)], { signal });
    const letter = { ...at(2), origin: { topic: 'orders.dlq', partition: 0, offset: 7 } };
    for (let round = 0; round < 2; round++) expect(codes(await sink.write([letter], { signal }))).toEqual(['delivered']);
    expect(await numbers()).toEqual([1, 2, 3]);
  });

  it('says that a topic was created again, and goes on with other partitions and after a higher epoch', async () => {
    const sink = await bench.open(options);
    await sink.write([at(1), at(2), at(3)], { signal });
    const later = { timestamp: Date.now() + 60_000 };
    const outcomes = await sink.write([at(1, later), at(2, later), at(9, { partition: 1 })], { signal });
    expect(codes(outcomes)).toEqual(['config GUARD_AHEAD', 'config GUARD_AHEAD', 'delivered']);
    expect(codes(await sink.write([at(3, { timestamp: 7 })], { signal }))).toEqual(['config GUARD_AHEAD']);
    expect(codes(await sink.write([at(1, { ...later, epoch: 1 })], { signal }))).toEqual(['delivered']);
    expect(await numbers()).toEqual([1, 1, 2, 3, 9]);
  });

  it('says which table is missing, and creates it where it may', async () => {
    await bench.client.query('drop table sluice_offsets');
    const sink = await bench.open(options);
    const [outcome] = await sink.write([at(1)], { signal });
    expect(outcome).toMatchObject({ code: 'SINK_TARGET_MISSING', message: expect.stringContaining('create table "sluice_offsets"') });
    await expect(sink.probe?.({ signal })).rejects.toMatchObject({ code: 'SINK_TARGET_MISSING' });
    const creating = await bench.open({ ...options, autoCreate: true, offsets: { table: 'positions' } });
    await creating.probe?.({ signal });
    for (let round = 0; round < 2; round++) expect(codes(await creating.write([at(1)], { signal }))).toEqual(['delivered']);
    expect(await numbers()).toEqual([1]);
    expect(await bench.rows('select connector, target, topic, "offset" from positions')).toEqual([
      { connector: 'test', target: 'things', topic: 'orders', offset: '1' },
    ]);
  });

  it('notices a column that came while it wrote, without adding anything twice', async () => {
    const sink = await bench.open({ ...options, autoEvolve: true });
    await sink.write([at(1)], { signal });
    await bench.client.query('alter table things rename n to m');
    await bench.client.query('alter table things add n int');
    const more = record(null, { n: 2, extra: 'x' }, { offset: 2 });
    expect(codes(await sink.write([at(1), more, at(3)], { signal }))).toEqual(Array(3).fill('delivered'));
    expect(await bench.rows('select n, extra from things where n is not null order by n')).toEqual([
      { n: 2, extra: 'x' },
      { n: 3, extra: null },
    ]);
  });

  it('adds each record exactly once, whatever is cut, lost, refused or left out on the way', { timeout: 60_000 }, async () => {
    const sinks = [await bench.open(options), await bench.open(options)];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
        await bench.client.query('truncate things, sluice_offsets');
        const good = new Set<number>();
        for (const { from, count, size, fault, poisons, holes, both } of steps) {
          const offsets = Array.from({ length: count }, (_, n) => from + n).filter((offset) => !holes.includes(offset));
          const records = offsets.map((offset) => (poisons.includes(offset) ? poison(offset) : at(offset)));
          const writers = both ? sinks : sinks.slice(0, 1);
          await Promise.all(writers.map((sink) => deliver(sink, records, size, fault ? () => cutOff() : undefined)));
          for (const offset of offsets) if (!poisons.includes(offset)) good.add(offset);
        }
        // In the end everything that was fit comes through once more.
        const [sink] = sinks as [Sink, Sink];
        const last = [...good].toSorted((a, b) => a - b).map((offset) => at(offset));
        for (let attempt = 0; attempt < 5 && !(await deliver(sink, last, 7)); attempt++);
        expect(await numbers()).toEqual([...good].toSorted((a, b) => a - b));
      }),
      { numRuns: 15, ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }) },
    );
  });

  const cutOff = async (): Promise<void> => {
    await bench.client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'sluice test'`,
    );
  };
});

const step = fc.record({
  from: fc.nat(20),
  count: fc.integer({ min: 1, max: 15 }),
  size: fc.integer({ min: 1, max: 8 }),
  fault: fc.boolean(),
  poisons: fc.array(fc.nat(35), { maxLength: 4 }),
  holes: fc.array(fc.nat(35), { maxLength: 4 }),
  both: fc.boolean(),
});

/** Writes in pieces, and ends where one fails, as what comes after it has to wait; answers whether it came to the end. Only what the table refuses may be a data error. */
async function deliver(sink: Sink, records: readonly KafkaRecord[], size: number, fault?: () => Promise<void>): Promise<boolean> {
  for (let from = 0; from < records.length; from += size) {
    const piece = records.slice(from, from + size);
    const writing = sink.write(piece, { signal });
    if (fault !== undefined) await fault();
    const found = codes(await writing);
    for (const [index, code] of found.entries()) {
      const { value } = piece[index] as KafkaRecord<{ n: number }>;
      if (code !== 'delivered' && !code.startsWith('retriable')) expect([code, value?.n]).toEqual(['data SINK_REJECTED_RECORD', -1]);
    }
    if (found.some((code) => code.startsWith('retriable'))) return false;
  }
  return true;
}
