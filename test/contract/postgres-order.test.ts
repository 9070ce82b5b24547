import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { record } from '../support/records.ts';
import { describeWith } from '../support/servers/shared.ts';
import { codes, openWorkbench, rawRecord, signal, type Workbench } from './postgres-support.ts';

const versionColumns =
  '_sluice_topic text, _sluice_partition integer, _sluice_offset bigint, _sluice_epoch integer, _sluice_part integer, _sluice_timestamp timestamptz, _sluice_written_at timestamptz, _sluice_deleted boolean';

describeWith(['postgres'], 'the order of rows of one key in PostgreSQL', ({ postgres: server }) => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench(server, 'contract_order');
  });
  afterAll(() => bench?.close());
  beforeEach(async () => {
    await bench.client.query('drop schema public cascade; create schema public');
  });

  const upsert = { table: 'things', write: 'upsert', primaryKey: ['id'] };
  const byKey = { ...upsert, primaryKeyFrom: 'key' };

  it('leaves in one write what it leaves one by one where a later record lacks a field with a default', async () => {
    await bench.client.query(`create table things (id int primary key, t text, state text default 'new')`);
    const records = [
      record('a', { id: 1, state: 'old' }),
      record('a', { id: 1, t: 'x' }),
      record('b', { id: 2, t: 'x' }),
      record('b', { id: 2, state: 'old' }),
    ];
    const sink = await bench.open(upsert);
    for (const one of records) await sink.write([one], { signal });
    const oneByOne = await bench.rows('select * from things order by id');
    expect(oneByOne).toEqual([
      { id: 1, t: 'x', state: 'old' },
      { id: 2, t: null, state: 'old' },
    ]);
    await bench.client.query('truncate things');
    expect(codes(await sink.write(records, { signal }))).toEqual(Array(4).fill('delivered'));
    expect(await bench.rows('select * from things order by id')).toEqual(oneByOne);
  });

  it('does not bring back a field with a default of a row that was deleted in between', async () => {
    await bench.client.query(`create table things (id text primary key, t text, state text default 'new')`);
    const sink = await bench.open({ ...byKey, guard: 'none' });
    await sink.write([record('a', { state: 'old' })], { signal });
    await sink.write([record('a', null), record('a', { t: 'x' })], { signal });
    expect(await bench.rows('select * from things')).toEqual([{ id: 'a', t: 'x', state: 'new' }]);
  });

  it.each([
    ['numeric', '1', '01.0'],
    ['uuid', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{B0EEBC999C0B4EF8BB6D6BB9BD380A11}'],
    ['char(4)', 'x', 'x '],
    ['timestamptz', '2024-06-01T12:00:00Z', '2024-06-01 12:00:00+00'],
  ])('keeps the later record where a key of type %s is spelled in two ways', async (type, earlier, later) => {
    await bench.client.query(`create table things (id ${type} primary key, n int, state text default 'x')`);
    const sink = await bench.open(upsert);
    for (const [first, second] of [
      [earlier, later],
      [later, earlier],
    ]) {
      await bench.client.query('truncate things');
      const same = [record('a', { id: first, n: 1 }), record('a', { id: second, n: 2 })];
      expect(codes(await sink.write(same, { signal }))).toEqual(['delivered', 'delivered']);
      expect(await bench.rows('select n from things')).toEqual([{ n: 2 }]);
      const shapes = [record('a', { id: first, n: 3 }), record('a', { id: second, n: 4, state: 'y' }), record('a', { id: first, n: 5 })];
      expect(codes(await sink.write(shapes, { signal }))).toEqual(['delivered', 'delivered', 'delivered']);
      expect(await bench.rows('select n, state from things')).toEqual([{ n: 5, state: 'y' }]);
      const updates = [record('a', { id: second, n: 6 }), record('a', { id: first, n: 7 }), record('a', { id: second, n: 8, state: 'z' })];
      const updating = await bench.open({ ...upsert, write: 'update' });
      expect(codes(await updating.write(updates, { signal }))).toEqual(['delivered', 'delivered', 'delivered']);
      expect(await bench.rows('select n, state from things')).toEqual([{ n: 8, state: 'z' }]);
    }
  });

  it('does not take two rows for one because their keys are the same double', async () => {
    await bench.client.query('create table things (id numeric primary key, n int); create table texts (id text primary key, n int)');
    const sink = await bench.open(upsert);
    const close = [rawRecord('a', '{"id": 0.12345678901234567891, "n": 1}'), rawRecord('a', '{"id": 0.12345678901234567892, "n": 2}')];
    expect(codes(await sink.write(close, { signal }))).toEqual(['delivered', 'delivered']);
    expect(await bench.rows('select n from things order by n')).toEqual([{ n: 1 }, { n: 2 }]);
    const texts = await bench.open({ ...upsert, table: 'texts', write: 'insert' });
    const spelled = [rawRecord('a', '{"id": 1.0, "n": 1}'), rawRecord('a', '{"id": 1, "n": 2}')];
    expect(codes(await texts.write(spelled, { signal }))).toEqual(['delivered', 'delivered']);
    expect(await bench.rows('select id, n from texts order by n')).toEqual([
      { id: '1.0', n: 1 },
      { id: '1', n: 2 },
    ]);
  });

  it.each(['updated bigint default 0', 'updated bigint default 99'])(
    'deletes by version where the field that guards has a default: %s',
    async (updated) => {
      await bench.client.query(`create table things (id text primary key, ${updated}, ${versionColumns})`);
      const sink = await bench.open({ ...byKey, guard: { field: 'updated' } });
      const at = (offset: number) => ({ offset });
      await sink.write([record('a', { updated: 5 }, at(10)), record('b', { updated: 5 }, at(11))], { signal });
      expect(codes(await sink.write([record('a', null, at(4)), record('b', null, at(12)), record('c', null, at(13))], { signal }))).toEqual(
        ['ignored', 'delivered', 'delivered'],
      );
      expect(codes(await sink.write([record('c', { updated: 7 }, at(14)), record('b', { updated: 4 }, at(15))], { signal }))).toEqual([
        'delivered',
        'ignored',
      ]);
      expect(await bench.rows('select id, updated, _sluice_deleted as deleted from things order by id')).toEqual([
        { id: 'a', updated: '5', deleted: false },
        { id: 'b', updated: '5', deleted: true },
        { id: 'c', updated: '7', deleted: false },
      ]);
    },
  );

  it.each([
    ['text', [9, 10]],
    ['numeric(3,1)', [1.01, 1.04, 1.02]],
    ['float4', [16_777_216, 16_777_217]],
  ])('lets the column decide which value of the field that guards is higher: %s', async (type, values) => {
    await bench.client.query(`create table things (id text primary key, updated ${type}, n int, ${versionColumns})`);
    const sink = await bench.open({ ...byKey, guard: { field: 'updated' } });
    const records = values.map((updated, n) => record('a', { updated, n }, { offset: 10 - n }));
    for (const one of records) await sink.write([one], { signal });
    const oneByOne = await bench.rows('select n from things');
    await bench.client.query('truncate things');
    await sink.write(records, { signal });
    expect(await bench.rows('select n from things')).toEqual(oneByOne);
    expect(oneByOne).toEqual([{ n: 0 }]);
  });

  it('refuses a soft delete where the field that guards takes no NULL, default or not', async () => {
    await bench.client.query(`create table things (id text primary key, updated bigint not null default 99, ${versionColumns})`);
    const sink = await bench.open({ ...byKey, guard: { field: 'updated' } });
    expect(codes(await sink.write([record('a', null)], { signal }))).toEqual(['config SINK_MISCONFIGURED']);
  });
});
