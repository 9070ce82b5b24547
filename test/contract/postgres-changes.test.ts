import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KafkaRecord } from '../../lib/core/record.ts';
import { record } from '../support/records.ts';
import { describeWith } from '../support/servers/shared.ts';
import { codes, openWorkbench, signal, type Workbench } from './postgres-support.ts';

const published = JSON.parse(readFileSync(new URL('../fixtures/changes/analyticdb.json', import.meta.url), 'utf8')) as object[];
const [insertion, update, deletion] = published.map((message, offset) => record(null, message, { offset })) as [
  KafkaRecord,
  KafkaRecord,
  KafkaRecord,
];

const created = (row: object, op = 'c') => ({ before: null, after: row, op });
const updated = (before: object | null, after: object) => ({ before, after, op: 'u' });
const deleted = (before: object) => ({ before, after: null, op: 'd' });
const upserts = { table: 'things', changes: 'analyticdb', write: 'upsert', primaryKey: ['id'] };

describeWith(['postgres'], 'changes of rows as AnalyticDB takes them', ({ postgres: server }) => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench(server, 'contract_changes');
  });
  afterAll(() => bench?.close());
  beforeEach(async () => {
    await bench.client.query('drop schema public cascade; create schema public');
    await bench.client.query('create table things (id int primary key, name text, note text)');
  });
  const things = () => bench.rows('select id, name from things order by id');

  describe('the published messages', () => {
    it('insert a row, change the key of another, and delete it', async () => {
      await bench.client.query(`insert into things values (2, 'two', 'kept')`);
      const sink = await bench.open(upserts);
      expect(codes(await sink.write([insertion], { signal }))).toEqual(['delivered']);
      expect(await things()).toEqual([
        { id: 1, name: '44' },
        { id: 2, name: 'two' },
      ]);
      expect(codes(await sink.write([update], { signal }))).toEqual(['delivered']);
      expect(await things()).toEqual([{ id: 1, name: '44' }]);
      expect(codes(await sink.write([deletion], { signal }))).toEqual(['delivered']);
      expect(await things()).toEqual([]);
    });

    it.each([
      [[insertion, update], [{ id: 1, name: '44' }]],
      [[insertion, update, deletion], []],
      [[deletion, insertion], [{ id: 1, name: '44' }]],
    ])('leave in one write what they leave one by one (%#)', async (records, expected) => {
      const sink = await bench.open(upserts);
      await sink.write([record(null, created({ id: 2, name: 'two' }))], { signal });
      const outcomes = codes(await sink.write(records, { signal }));
      expect(outcomes).toEqual(records.map(() => 'delivered'));
      expect((await things()).filter(({ id }) => id !== 2 || !records.includes(update))).toEqual(
        records.includes(update) ? expected : [...expected, { id: 2, name: 'two' }],
      );
    });

    it('are a data error where an insert collides, and nothing of that record is done', async () => {
      const sink = await bench.open({ ...upserts, write: 'insert' });
      await bench.client.query(`insert into things values (2, 'two')`);
      const outcomes = await sink.write([insertion, update, deletion], { signal });
      expect(codes(outcomes)).toEqual(['delivered', 'data SINK_REJECTED_RECORD', 'delivered']);
      expect(outcomes[1]).toHaveProperty('message', expect.stringContaining('SQLSTATE 23505'));
      expect(await things()).toEqual([{ id: 2, name: 'two' }]);
    });
  });

  describe('an update', () => {
    it('finds its row by before, or by after where before lacks the key', async () => {
      const sink = await bench.open(upserts);
      await sink.write([record(null, created({ id: 5, name: 'a' }))], { signal });
      const outcomes = await sink.write(
        [record(null, updated(null, { id: 5, name: 'b' })), record(null, updated({ name: 'b' }, { id: 5, name: 'c' }))],
        { signal },
      );
      expect(codes(outcomes)).toEqual(['delivered', 'delivered']);
      expect(await things()).toEqual([{ id: 5, name: 'c' }]);
      expect(codes(await sink.write([record(null, updated({ id: 5 }, { name: 'd' }))], { signal }))).toEqual(['delivered']);
      expect(await things()).toEqual([{ id: 5, name: 'd' }]);
      expect(codes(await sink.write([record(null, updated(null, { name: 'e' }))], { signal }))).toEqual(['data SINK_RECORD_WITHOUT_KEY']);
    });

    it('leaves columns alone that the source does not have', async () => {
      await bench.client.query(`insert into things values (1, 'one', 'ours')`);
      const sink = await bench.open(upserts);
      await sink.write([record(null, updated({ id: 1 }, { id: 1, name: 'other' }))], { signal });
      expect(await bench.rows('select note, name from things')).toEqual([{ note: 'ours', name: 'other' }]);
    });

    it('that moves a row makes room for the next one of the old key', async () => {
      const sink = await bench.open(upserts);
      const records = [
        created({ id: 1, name: 'a' }),
        updated({ id: 1 }, { id: 2, name: 'a' }),
        created({ id: 1, name: 'b' }),
        updated({ id: 2 }, { id: 3, name: 'c' }),
      ].map((value) => record(null, value));
      expect(codes(await sink.write(records, { signal }))).toEqual(Array(4).fill('delivered'));
      expect(await things()).toEqual([
        { id: 1, name: 'b' },
        { id: 3, name: 'c' },
      ]);
    });

    it('that the server refuses leaves its old row where it was, and its neighbours go on', async () => {
      await bench.client.query(`alter table things add check (name <> 'bad')`);
      const sink = await bench.open(upserts);
      const records = [
        created({ id: 1, name: 'a' }),
        updated({ id: 1 }, { id: 2, name: 'bad' }),
        created({ id: 3, name: 'c' }),
        updated({ id: 3 }, { id: 4, name: 'c' }),
        created({ id: 'x', name: 'c' }),
      ].map((value) => record(null, value));
      expect(codes(await sink.write(records, { signal }))).toEqual([
        'delivered',
        'data SINK_REJECTED_RECORD',
        'delivered',
        'delivered',
        'data SINK_RECORD_WITHOUT_KEY',
      ]);
      expect(await things()).toEqual([
        { id: 1, name: 'a' },
        { id: 4, name: 'c' },
      ]);
    });
  });

  it('refuses what is no change, each record on its own', async () => {
    const sink = await bench.open(upserts);
    const values = [
      { id: 1 },
      'text',
      { op: 'x', after: {} },
      { op: 'c', after: null },
      { op: 'd', before: null },
      created({ id: 9, name: 'z' }),
    ];
    const outcomes = codes(await sink.write([...values.map((value) => record(null, value)), record(null, null)], { signal }));
    expect(outcomes).toEqual([...Array(5).fill('data SINK_REJECTED_RECORD'), 'delivered', 'ignored']);
    expect(await things()).toEqual([{ id: 9, name: 'z' }]);
  });

  it('holds every type of the published list', async () => {
    const row = {
      a: '9223372036854775807',
      b: -32768,
      c: 2147483647,
      d: true,
      e: 1.5,
      f: 0.1,
      g: '2024-02-29',
      h: '12:34:56.789+08',
      i: '2024-02-29 12:34:56.123456+08',
      j: 'text',
      k: { nested: [1, 'x'] },
      l: 'short',
      m: '2024-02-29 12:34:56',
      n: '12345678901234567890.12',
    };
    const types =
      'bigint,smallint,int,boolean,real,doublepericision,date,time with time zone,timestamp with time zone,text,json,varchar(5),timestamp,numeric';
    const columns = Object.fromEntries(types.split(',').map((type, index) => ['abcdefghijklmn'[index], type]));
    const sink = await bench.open({ ...upserts, table: 'types', primaryKey: ['a'], columns, autoCreate: true });
    const records = [record(null, created({ ...row, j: 'before' })), record(null, updated({ a: row.a }, row))];
    expect(codes(await sink.write(records, { signal }))).toEqual(['delivered', 'delivered']);
    const text = 'abcdefghijlmn'.split('').map((name) => `${name}::text`);
    await bench.client.query(`set timezone to 'UTC'`);
    expect(await bench.rows(`select ${text.join(', ')}, k from types`)).toEqual([
      {
        ...Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)])),
        i: '2024-02-29 04:34:56.123456+00',
        k: row.k,
      },
    ]);
  });

  it('writes the columns that are named, and says which of them are unknown', async () => {
    const named = { ...upserts, columns: { id: 'int4', name: 'varchar' } };
    const sink = await bench.open({ ...named, unknownFields: 'ignore' });
    const row = { id: 1, name: 'a', note: 'not ours' };
    expect(codes(await sink.write([record(null, created(row))], { signal }))).toEqual(['delivered']);
    expect(await bench.rows('select * from things')).toEqual([{ id: 1, name: 'a', note: null }]);
    await expect(bench.open({ ...upserts, columns: { id: 'bigint', name: 'varchr' } })).rejects.toThrow(/"varchr"/);
    const other = await bench.open({ ...upserts, columns: { id: 'int4', nowhere: 'text' } });
    expect(codes(await other.write([record(null, created(row))], { signal }))).toEqual(['config SINK_MISCONFIGURED']);
  });

  it('ends in the same state whenever the changes come again from any offset on', { timeout: 60_000 }, async () => {
    const sink = await bench.open(upserts);
    await fc.assert(
      fc.asyncProperty(history, fc.nat(), fc.nat(), async (steps, cut, size) => {
        const changes = toChanges(steps);
        const records = changes.map(({ value }, offset) => record(null, value, { offset }));
        const states = statesAfter(changes);
        await bench.client.query('truncate things');
        // Up to a failure, in pieces of any size; then from every offset before it on to the end.
        const failed = cut % (records.length + 1);
        await write(sink, records.slice(0, failed), 1 + (size % 7));
        expect(await things()).toEqual(states[failed]);
        for (let from = failed; from >= 0; from -= 1 + (size % 3)) {
          await write(sink, records.slice(from), 1 + (size % 11));
          expect(await things()).toEqual(states[records.length]);
        }
      }),
      { numRuns: 40, ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }) },
    );
  });
});

async function write(sink: Awaited<ReturnType<Workbench['open']>>, records: readonly KafkaRecord[], size: number): Promise<void> {
  for (let from = 0; from < records.length; from += size) {
    const piece = records.slice(from, from + size);
    expect(codes(await sink.write(piece, { signal }))).toEqual(piece.map(() => 'delivered'));
  }
}

interface Step {
  readonly op: 'c' | 'u' | 'd' | 'move';
  readonly id: number;
  readonly to: number;
  readonly name: string;
}

/** Changes over few keys, such that they meet. */
const history = fc.array(
  fc.record({
    op: fc.constantFrom<Step['op']>('c', 'u', 'd', 'move', 'move'),
    id: fc.integer({ min: 1, max: 4 }),
    to: fc.integer({ min: 1, max: 4 }),
    name: fc.constantFrom('a', 'b', 'c'),
  }),
  { minLength: 1, maxLength: 14 },
);

function toChanges(steps: readonly Step[]): readonly { step: Step; value: object }[] {
  return steps.map((step) => {
    const { op, id, to, name } = step;
    if (op === 'c') return { step, value: created({ id, name }) };
    if (op === 'd') return { step, value: deleted({ id, name }) };
    return { step, value: op === 'u' ? updated({ id }, { id, name }) : updated({ id }, { id: to, name }) };
  });
}

/** What a table would hold after each number of changes. */
function statesAfter(changes: readonly { readonly step: Step }[]): readonly object[][] {
  const rows = new Map<number, string>();
  const states: object[][] = [[]];
  for (const { step } of changes) {
    const { op, id, to, name } = step;
    if (op === 'd' || op === 'move') rows.delete(id);
    if (op !== 'd') rows.set(op === 'move' ? to : id, name);
    states.push([...rows].toSorted(([a], [b]) => a - b).map(([key, value]) => ({ id: key, name: value })));
  }
  return states;
}
