import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Row } from '../support/servers/maxcompute/record-stream.ts';
import { defaultAccount, type MaxComputeServer, startMaxCompute } from '../support/servers/maxcompute.ts';
import { type Pyodps, startPyodps } from '../support/servers/pyodps.ts';
import { describeWith } from '../support/servers/shared.ts';
import { parseExact } from './kit/exact.ts';

/** A column of every type, with values at their edges. Timestamps keep to what the Python client can hold, and decimals to what it writes without an exponent. */
const columns = {
  t: 'tinyint',
  s: 'smallint',
  i: 'int',
  b: 'bigint',
  f: 'float',
  d: 'double',
  yes: 'boolean',
  text: 'string',
  short: 'varchar(10)',
  fixed: 'char(5)',
  bytes: 'binary',
  price: 'decimal(10,2)',
  huge: 'decimal(38,18)',
  day: 'date',
  at: 'datetime',
  instant: 'timestamp',
  wall: 'timestamp_ntz',
  doc: 'json',
  list: 'array<bigint>',
  names: 'array<string>',
  pairs: 'map<string,bigint>',
  numbered: 'map<bigint,array<string>>',
  thing: 'struct<a:bigint,b:string,c:array<decimal(10,2)>>',
};
const nothing: Row = Object.fromEntries(Object.keys(columns).map((name) => [name, null]));
const rows: readonly Row[] = [
  {
    t: -128,
    s: -32_768,
    i: -2_147_483_648,
    b: -9_223_372_036_854_775_807n,
    f: -1.5,
    d: -1.7976931348623157e308,
    yes: false,
    text: '',
    short: '',
    fixed: 'abc',
    bytes: '',
    price: '-99999999.99',
    huge: '-12345678901234567890.123456789012345678',
    day: '0001-01-01',
    at: '0001-01-02T00:00:00.000Z',
    instant: '1969-12-31T23:59:59.000000000Z',
    wall: '1900-01-01T00:00:00.000000000',
    doc: '{"a":[1,2.5,null,"\\"x\\""],"ż":{"日本":true}}',
    list: [],
    names: [''],
    pairs: [],
    numbered: [[1, []]],
    thing: { a: null, b: null, c: null },
  },
  {
    t: 127,
    s: 32_767,
    i: 2_147_483_647,
    b: 9_223_372_036_854_775_807n,
    f: 0.5,
    d: 5e-324,
    yes: true,
    text: 'żółć 日本 𝒳 "quoted"\n\u0000',
    short: 'ten chars!',
    fixed: '12345',
    bytes: 'AP/+gA==',
    price: '0.01',
    huge: '0.000001000000000001',
    day: '9999-12-31',
    at: '9999-12-30T23:59:59.999Z',
    instant: '2024-02-29T23:59:59.123456789Z',
    wall: '2024-02-29T23:59:59.000000001',
    doc: '[9007199254740993]',
    list: [1, null, -9_223_372_036_854_775_807n],
    names: ['x', null, 'żółć'],
    pairs: [
      ['k1', 1],
      ['k2', null],
    ],
    numbered: [
      [-1, null],
      [2, ['a', null]],
    ],
    thing: { a: 7, b: 'seven', c: ['1.25', null] },
  },
  nothing,
];
const edgesOfDoubles: readonly Row[] = [
  { f: 'NaN', d: 'NaN' },
  { f: 'Infinity', d: '-Infinity' },
  { f: 0.10000000149011612, d: 2 ** 53 },
].map((row) => ({ ...nothing, ...row }));

/** With JSON as what it means, as the client spells it in its own way. */
const plain = (found: readonly Row[]) => found.map(({ doc, ...row }) => ({ ...row, doc: typeof doc === 'string' ? parseExact(doc) : doc }));
const expected = plain([...rows, ...edgesOfDoubles]);

describeWith(['pyodps'], 'the official Python client and our MaxCompute', ({ pyodps: { python } }) => {
  let server: MaxComputeServer;
  let client: Pyodps;
  let tables = 0;
  const newTable = (partitionedBy: Readonly<Record<string, string>> = {}, own: Readonly<Record<string, string>> = columns) => {
    const name = `peer_${tables++}`;
    server.createTable(name, { columns: own, partitionedBy });
    return name;
  };

  beforeAll(async () => {
    server = await startMaxCompute({ quotas: ['fast'] });
    server.errorForm = 'xml'; // the client cannot read its own service's JSON
    client = startPyodps(python, { ...defaultAccount, endpoint: server.endpoint, project: server.project, quota: 'fast' });
  });
  afterAll(async () => {
    await client?.stop();
    await server?.stop();
  });

  it.each([undefined, 'zlib', 'zstd'] as const)(
    'what the server holds is what the client reads, compressed with %s',
    async (compression) => {
      const table = newTable();
      server.insert(table, [...rows, ...edgesOfDoubles]);
      const found = await client.read(table, compression === undefined ? {} : { compression });
      expect(plain(found)).toEqual(expected);
    },
  );

  it.each([
    ['block', undefined],
    ['block', 'zlib'],
    ['block', 'zstd'],
    ['stream', undefined],
    ['stream', 'zlib'],
    ['stream', 'zstd'],
  ] as const)('what the client writes with the %s tunnel is what the server holds, compressed with %s', async (upload, compression) => {
    const table = newTable();
    await client.write(table, [...rows, ...edgesOfDoubles], { upload, ...(compression === undefined ? {} : { compression }) });
    expect(plain(server.rows(table))).toEqual(expected);
  });

  it('partitions that the client makes take its rows, in several blocks', async () => {
    const table = newTable({ pt: 'string', hh: 'string' }, { n: 'bigint' });
    const numbers = Array.from({ length: 10 }, (_, n) => ({ n }));
    await client.write(table, numbers, { partition: 'pt=02-29-2024 05:00,hh=a b', createPartition: true, blocks: 3 });
    expect(server.partitions(table)).toEqual(['pt=02-29-2024 05:00,hh=a b']);
    const there = numbers.map((row) => ({ ...row, pt: '02-29-2024 05:00', hh: 'a b' }));
    const byNumber = (found: readonly Row[]) => found.toSorted((a, b) => Number(a['n']) - Number(b['n']));
    expect(byNumber(server.rows(table))).toEqual(there);
    expect(byNumber(await client.read(table))).toEqual(there);
  });

  it('tables that the client makes are there for both', async () => {
    await client.create('made_by_client', columns, { pt: 'string' });
    expect(server.partitions('made_by_client')).toEqual([]);
    const described = await client.describe('made_by_client');
    expect(Object.keys(described.columns)).toEqual(Object.keys(columns));
    expect(described.partitionedBy).toEqual({ pt: 'STRING' });
  });

  it('refusals of the server are the errors that the client knows', async () => {
    const partitioned = newTable({ pt: 'string' }, { n: 'bigint' });
    await expect(client.read('no_such_table')).rejects.toThrow('NoSuchTable');
    await expect(client.write(partitioned, [{ n: 1 }], { partition: 'pt=none' })).rejects.toThrow('NoSuchPartition');
    await expect(client.write(newTable({}, { n: 'bigint not null' }), [{ n: null }])).rejects.toThrow('DataStoreError');
  });

  it('signatures of both versions are taken from the client, and no wrong one', async () => {
    const region = 'cn-hangzhou';
    const regional = await startMaxCompute({ region });
    regional.createTable('signed', { columns: { n: 'bigint' } });
    const open = (overrides: object) =>
      startPyodps(python, { ...defaultAccount, endpoint: regional.endpoint, project: regional.project, region, ...overrides });
    const [right, wrong] = [open({}), open({ accessKey: 'another' })];
    await right.write('signed', [{ n: 1 }]);
    expect(await right.read('signed')).toEqual([{ n: 1 }]);
    const signatures = regional.requests.map(({ headers }) => (headers.authorization?.includes('/aliyun_v4_request:') ? 'v4' : 'v2'));
    expect(new Set(signatures)).toEqual(new Set(['v4', 'v2'])); // the client knows the newer one for metadata only
    await expect(wrong.read('signed')).rejects.toThrow('Unauthorized');
    await Promise.all([right.stop(), wrong.stop()]);
    await regional.stop();
  });
});
