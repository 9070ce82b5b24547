import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { KafkaRecord } from '../../lib/core/record.ts';
import type { Sink } from '../../lib/core/sink.ts';
import { record } from '../support/records.ts';
import type { Row } from '../support/servers/maxcompute/record-stream.ts';
import { defaultAccount, type MaxComputeServer, startMaxCompute } from '../support/servers/maxcompute.ts';
import { type Pyodps, startPyodps } from '../support/servers/pyodps.ts';
import { describeWith } from '../support/servers/shared.ts';
import { parseExact } from './kit/exact.ts';
import { connection, inWords, openSink, originColumns, withoutOrigin, write } from './maxcompute-support.ts';

const typed = {
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
  pairs: 'map<string,bigint>',
  numbered: 'map<bigint,array<string>>',
  thing: 'struct<a:bigint,b:string,c:array<decimal(10,2)>>',
} as const;
const nothing: Row = Object.fromEntries(Object.keys(typed).map((name) => [name, null]));

/** What a record holds, and what the official client then shows. */
const cases: readonly (readonly [value: string, shown: Row])[] = [
  [
    `{"t": -128, "s": -32768, "i": -2147483648, "b": -9223372036854775807, "f": -1.5, "d": -1.7976931348623157e308, "yes": false,
      "text": "", "short": "", "fixed": "abc", "bytes": "", "price": -99999999.99, "huge": "-12345678901234567890.123456789012345678",
      "day": "0001-01-01", "at": "0001-01-02T00:00:00Z", "instant": "1969-12-31T23:59:59Z", "wall": "1900-01-01T00:00:00",
      "doc": {"a": [1, 2.5, null, "\\"x\\""], "ż": {"日本": true}}, "list": [], "pairs": {}, "numbered": {"1": []},
      "thing": {"a": null}}`,
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
      pairs: [],
      numbered: [[1, []]],
      thing: { a: null, b: null, c: null },
    },
  ],
  [
    `{"t": 127, "s": 32767, "i": 2147483647, "b": 9223372036854775807, "f": 0.5, "d": 5e-324, "yes": true,
      "text": "żółć 日本 𝒳 \\"quoted\\"\\n\\u0000", "short": "ten chars!", "fixed": "12345", "bytes": "żółć", "price": 0.01, "huge": "0.000000000000000001",
      "day": "9999-12-31", "at": "9999-12-30T23:59:59.999Z", "instant": "2024-02-29T23:59:59.123456789Z", "wall": "2024-02-29T23:59:59.000000001",
      "doc": [9007199254740993], "list": [1, null, -9223372036854775807], "pairs": {"k1": 1, "k2": null}, "numbered": {"-1": null, "2": ["a", null]},
      "thing": {"a": 7, "b": "seven", "c": [1.25, null]}}`,
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
      bytes: Buffer.from('żółć').toString('base64'),
      price: '0.01',
      huge: '0.000000000000000001',
      day: '9999-12-31',
      at: '9999-12-30T23:59:59.999Z',
      instant: '2024-02-29T23:59:59.123456789Z',
      wall: '2024-02-29T23:59:59.000000001',
      doc: '[9007199254740993]',
      list: [1, null, -9_223_372_036_854_775_807n],
      pairs: [
        ['k1', 1],
        ['k2', null],
      ],
      numbered: [
        [2, ['a', null]],
        [-1, null],
      ],
      thing: { a: 7, b: 'seven', c: ['1.25', null] },
    },
  ],
  ['{}', nothing],
  [
    '{"T": 1, "Text": "names in any case", "doc": "text", "price": "1", "at": 1709251199999}',
    { ...nothing, t: 1, text: 'names in any case', doc: '"text"', price: '1.00', at: '2024-02-29T23:59:59.999Z' },
  ],
];

/** Values whose spelling is free, as what they mean. */
const meaning = ({ doc = null, price = null, huge = null, ...row }: Row): unknown => ({
  ...row,
  doc: typeof doc === 'string' ? parseExact(doc) : doc,
  price: price === null ? null : Number(price),
  huge: typeof huge === 'string' ? huge.replace(/^(-?\d+)(\.\d*?)0*$/, '$1$2').replace(/\.$/, '') : huge,
});

describeWith(['pyodps'], 'what the sink wrote is read back with the official Python client', ({ pyodps: { python } }) => {
  let server: MaxComputeServer;
  let client: Pyodps;
  let tables = 0;
  const opened: Sink[] = [];

  const newTable = (columns: Readonly<Record<string, string>>, partitionedBy: Readonly<Record<string, string>> = { pt: 'string' }) => {
    const name = `written_${tables++}`;
    server.createTable(name, { columns: { ...originColumns, ...columns }, partitionedBy });
    return name;
  };
  const deliver = async (table: string, options: object, records: readonly KafkaRecord[], context: Parameters<typeof openSink>[1] = {}) => {
    const sink = await openSink({ ...connection(server), table, ...options }, context);
    opened.push(sink);
    expect(inWords(await write(sink, records))).toEqual(records.map(() => 'delivered'));
  };
  const readBack = async (table: string) => (await client.read(table)).toSorted((a, b) => Number(a['offset']) - Number(b['offset']));

  beforeAll(async () => {
    server = await startMaxCompute({ quotas: ['fast'] });
    client = startPyodps(python, { ...defaultAccount, endpoint: server.endpoint, project: server.project });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((sink) => sink.close?.()));
  });
  afterAll(async () => {
    await client?.stop();
    await server?.stop();
  });

  const uploads = ['stream', 'block'] as const;
  const compressions = ['none', 'deflate', 'zstd'] as const;
  const presets = ['new', 'old'] as const;

  it.each(uploads.flatMap((upload) => compressions.map((compression) => [upload, compression] as const)))(
    'every type, by the %s tunnel, compressed with %s',
    async (upload, compression) => {
      const table = newTable(typed);
      const records = cases.map(([json], offset) => record(`key-${offset}`, parseExact(json), { offset, partition: 3, timestamp: 0 }));
      await deliver(table, { mode: 'value', format: 'flatten', upload, compression }, records);
      const expected = cases.map(([, shown], offset) => ({ ...shown, topic: 'orders', partition: 3, offset, pt: '1970-01-01 08' }));
      expect((await readBack(table)).map(meaning)).toEqual(expected.map(meaning));
    },
  );

  it.each(uploads.flatMap((upload) => presets.map((preset) => [upload, preset] as const)))(
    'partitions by the day, hour and minute of the record, by the %s tunnel in the %s spelling',
    async (upload, format) => {
      const timestamp = Date.parse('2024-02-29T23:30:59.999Z');
      const values: string[] = [];
      for (const window of ['day', 'hour', 'minute']) {
        const table = newTable({ key: 'string', value: 'string' });
        await deliver(table, { upload, partition: { window, format, timeZone: '+08:00' } }, [record('a', 'text', { timestamp })]);
        const [row] = await readBack(table);
        expect(row).toMatchObject({ key: 'a', value: 'text' });
        values.push(String(row?.['pt']));
      }
      const [day, hour, minute] = [format === 'new' ? '2024-03-01' : '03-01-2024', ' 07', ' 07:30'];
      expect(values).toEqual([day, `${day}${hour}`, `${day}${minute}`]);
    },
  );

  it.each(uploads)(
    'several levels of partitions, by field and by processing time, and one batch over many of them, by the %s tunnel',
    async (upload) => {
      const table = newTable({ id: 'bigint' }, { region: 'string', pt: 'string' });
      const now = Date.now();
      const today = new Date(now).toISOString().slice(0, 10);
      const partition = [
        { column: 'region', by: 'field', field: 'region', format: 'text', allow: ['eu-*', 'us'] },
        { column: 'pt', by: 'processing-time', window: 'day', timeZone: 'UTC' },
      ];
      const regions = ['eu-north 1', 'us', 'eu-b', 'us', 'eu-north 1'];
      const records = regions.map((region, id) => record('k', { id, region }, { offset: id }));
      await deliver(table, { columns: { id: 'id' }, partition, upload }, records, { now: () => now });
      const expected = regions.map((region, id) => ({ topic: 'orders', partition: 0, offset: id, id, region, pt: today }));
      expect(await readBack(table)).toEqual(expected);
      expect(server.partitions(table)).toHaveLength(3);
    },
  );

  it.each(uploads)('formats and modes, by the %s tunnel', async (upload) => {
    const both = { key: 'string', value: 'string' };
    const bytes = (text: string) => Buffer.from(text).toString('base64');
    const formats: readonly {
      readonly options: object;
      readonly columns: Readonly<Record<string, string>>;
      readonly row: Row;
      readonly record: KafkaRecord;
    }[] = [
      { options: {}, columns: both, record: record('k', 'v'), row: { key: 'k', value: 'v' } },
      { options: {}, columns: both, record: record('k', null), row: { key: 'k', value: null } },
      { options: {}, columns: both, record: record(null, 'v'), row: { key: null, value: 'v' } },
      { options: { mode: 'key' }, columns: { key: 'string' }, record: record('k', 'v'), row: { key: 'k' } },
      { options: { mode: 'value' }, columns: { value: 'string' }, record: record('k', 'v'), row: { value: 'v' } },
      { options: {}, columns: both, record: record('k', { a: [1] }), row: { key: 'k', value: '{"a":[1]}' } },
      {
        options: { format: 'binary' },
        columns: { key: 'binary', value: 'binary' },
        record: record(Buffer.of(0, 255), Buffer.of(254)),
        row: { key: 'AP8=', value: '/g==' },
      },
      {
        options: { format: 'binary' },
        columns: { key: 'binary', value: 'binary' },
        record: record('k', 'v'),
        row: { key: bytes('k'), value: bytes('v') },
      },
      {
        options: { mode: 'value', format: 'json' },
        columns: { value: 'json' },
        record: record('k', { a: 2n ** 60n }),
        row: { value: '{"a":1152921504606846976}' },
      },
      {
        options: { mode: 'key', format: 'json' },
        columns: { key: 'json' },
        record: record<unknown, object>({ id: 1 }, 'v'),
        row: { key: '{"id":1}' },
      },
      {
        options: { mode: 'value', format: 'flatten' },
        columns: { id: 'bigint', inner: 'string' },
        record: record('k', { ID: 1, Inner: { a: [true] } }),
        row: { id: 1, inner: '{"a":[true]}' },
      },
      {
        options: { mode: 'key', format: 'flatten' },
        columns: { id: 'bigint' },
        record: record<unknown, object>({ id: 7 }, 'v'),
        row: { id: 7 },
      },
      {
        options: { mode: 'value', format: 'flatten', unknownFields: 'ignore' },
        columns: { id: 'bigint' },
        record: record('k', { id: 1, other: 2 }),
        row: { id: 1 },
      },
      {
        options: { mode: 'value', format: 'flatten', unknownFields: 'column' },
        columns: { id: 'bigint', extra: 'json' },
        record: record('k', { id: 1, other: { a: 2 } }),
        row: { id: 1, extra: '{"other":{"a":2}}' },
      },
      {
        options: { mode: 'value', format: 'csv' },
        columns: { id: 'bigint', text: 'string', none: 'string', spelled: 'string', price: 'decimal(10,2)' },
        record: record('k', '1,"a ""quoted"", text",\\N,"\\N",2.50'),
        row: { id: 1, text: 'a "quoted", text', none: null, spelled: '\\N', price: '2.50' },
      },
      {
        options: { columns: { id: 'order.id', place: '{topic}/{partition}@{offset}', trace: '{header:trace}', who: '{key.name}' } },
        columns: { id: 'bigint', place: 'string', trace: 'string', who: 'string' },
        record: record<unknown, object>(
          { name: 'ada' },
          { order: { id: 5 } },
          { offset: 9, headers: [{ key: 'trace', value: Buffer.from('t-1') }] },
        ),
        row: { id: 5, place: 'orders/0@9', trace: 't-1', who: 'ada' },
      },
      {
        options: { origin: { timestamp: 'insert_time', epoch: 'epoch', part: 'part' } },
        columns: { insert_time: 'bigint', epoch: 'bigint', part: 'bigint', ...both },
        record: record('k', 'v', { timestamp: 1_709_251_199_999, epoch: 2, part: 3 }),
        row: { insert_time: 1_709_251_199_999, epoch: 2, part: 3, key: 'k', value: 'v' },
      },
    ];
    for (const { options, columns, row, record: sent } of formats) {
      const table = newTable(columns, {});
      await deliver(table, { partition: false, upload, ...options }, [sent]);
      const found = await readBack(table);
      const { topic, partition, offset } = sent.origin;
      expect(found.map(withoutOrigin), JSON.stringify(options)).toEqual([row]);
      expect(found).toMatchObject([{ topic, partition, offset }]);
    }
  });

  it.each(uploads)('the quota that is named, and rows in several requests, by the %s tunnel', async (upload) => {
    const table = newTable({ value: 'string' });
    const records = Array.from({ length: 200 }, (_, offset) => record('k', `${offset} ${'x'.repeat(100)}`, { offset, timestamp: 0 }));
    await deliver(table, { mode: 'value', upload, quota: 'fast', blockBytes: 4_000 }, records);
    expect((await readBack(table)).map(({ value }) => value)).toEqual(records.map(({ value }) => value));
    const sent = server.requests.filter(({ table: name, kind }) => name === table && (kind === 'writeStream' || kind === 'block'));
    expect(sent.length).toBeGreaterThan(3);
    expect(new Set(sent.map(({ query }) => query.get('quotaName')))).toEqual(new Set(['fast']));
    const commits = server.requests.filter(({ table: name, kind }) => name === table && kind === 'commit');
    expect(commits).toHaveLength(upload === 'block' ? 1 : 0);
  });

  it.each(uploads)('a table in a schema, found through the service and signed for a region, by the %s tunnel', async (upload) => {
    server.createTable('in_schema', {
      schema: `of_${upload}`,
      columns: { ...originColumns, key: 'string', value: 'string' },
      partitionedBy: { pt: 'string' },
    });
    const { tunnelEndpoint: _, ...found } = connection(server);
    const sink = await openSink({ ...found, table: 'in_schema', schema: `of_${upload}`, region: 'cn-hangzhou', upload });
    opened.push(sink);
    expect(inWords(await write(sink, [record('a', 'x', { timestamp: 0 })]))).toEqual(['delivered']);
    expect(server.rows('in_schema', { schema: `of_${upload}` })).toMatchObject([{ key: 'a', value: 'x', pt: '1970-01-01 08' }]);
    const tunnelled = server.requests.filter(({ schema, isTunnel }) => isTunnel && schema === `of_${upload}`);
    expect(tunnelled.every(({ headers }) => headers.authorization?.includes('/cn-hangzhou/odps/aliyun_v4_request:'))).toBe(true);
    expect(server.requests.some(({ kind }) => kind === 'discovery')).toBe(true);
  });
});
