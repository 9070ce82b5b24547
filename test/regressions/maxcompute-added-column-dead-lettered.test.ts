// A stream, and the plan of a table, are kept for minutes. Records that carried a column which was added meanwhile were refused as if
// the table did not have it, and went to the dead letter topic until the stream was renewed.
import { describe, expect, it } from 'vitest';
import type { Sink } from '../../lib/core/sink.ts';
import { inWords, newBench, originColumns, write } from '../contract/maxcompute-support.ts';
import { record } from '../support/records.ts';

const bench = newBench();
const partitionedBy = { pt: 'string' };
const hourMs = 3_600_000;

describe.each(['stream', 'block'] as const)('records with a column that was just added, through the %s tunnel', (upload) => {
  let now = Date.now();
  const open = async (options: object = {}) => {
    now = Date.now();
    bench.server.createTable('grows', { columns: { ...originColumns, id: 'bigint' }, partitionedBy });
    return bench.open({ table: 'grows', format: 'flatten', upload, ...options }, { now: () => now });
  };
  const deliver = async (sink: Sink, ...values: readonly object[]) =>
    inWords(
      await write(
        sink,
        values.map((value, offset) => record('k', value, { timestamp: 0, offset })),
      ),
    );

  it('are delivered, by themselves and beside others', async () => {
    const sink = await open();
    expect(await deliver(sink, { id: 1 })).toEqual(['delivered']);
    bench.server.addColumns('grows', { extra: 'string' });
    now += 2_000;
    expect(await deliver(sink, { id: 2, extra: 'x' })).toEqual(['delivered']);
    expect(await deliver(sink, { id: 3 }, { id: 4, extra: 'y' }, { id: 5, other: 1 })).toEqual([
      'delivered',
      'delivered',
      'data VALUE_INVALID',
    ]);
    expect(bench.server.rows('grows').map(({ id, extra }) => [id, extra ?? null])).toEqual([
      [1, null],
      [2, 'x'],
      [3, null],
      [4, 'y'],
    ]);
  });

  it('are delivered to each partition, whose streams are of different age', async () => {
    const sink = await open();
    const to = (hour: number, value: object) => record('k', value, { timestamp: hour * hourMs, offset: hour });
    await write(sink, [to(0, { id: 1 }), to(1, { id: 2 })]);
    bench.server.addColumns('grows', { extra: 'string' });
    now += 2_000;
    for (const hour of [0, 1, 0]) expect(inWords(await write(sink, [to(hour, { id: 3, extra: 'x' })]))).toEqual(['delivered']);
    expect(bench.server.rows('grows').filter(({ extra }) => extra === 'x')).toHaveLength(3);
  });

  it('have the table looked up once a second at most while others are refused for good', async () => {
    const sink = await open();
    await deliver(sink, { id: 1 });
    const lookUps = () => bench.sent('table').length;
    const sessions = () => bench.sent('openStream').length + bench.sent('create').length;
    const before = [lookUps(), sessions()] as const;
    for (let n = 0; n < 20; n++) expect(await deliver(sink, { nobody: n })).toEqual(['data VALUE_INVALID']);
    expect(lookUps() - before[0]).toBeLessThanOrEqual(1);
    expect(sessions()).toBe(before[1]);
    now += 2_000;
    await deliver(sink, { nobody: 1 });
    expect(lookUps()).toBeGreaterThan(before[0]);
  });

  it('are refused for good where a column of that name has another type', async () => {
    const sink = await open();
    await deliver(sink, { id: 1 });
    bench.server.addColumns('grows', { extra: 'bigint' });
    now += 2_000;
    expect(await deliver(sink, { id: 2, extra: 'x' })).toEqual(['data VALUE_INVALID']);
  });
});
