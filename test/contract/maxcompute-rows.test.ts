import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { record } from '../support/records.ts';
import type { Value } from '../support/servers/maxcompute/values.ts';
import { type MaxComputeServer, startMaxCompute } from '../support/servers/maxcompute.ts';
import { connection, inWords, openSink, originColumns, withoutOrigin, write } from './maxcompute-support.ts';

/** A value for a column of this type, and how the server shows it. */
interface Cell {
  readonly type: string;
  readonly value: unknown;
  readonly shown: Value;
}

const firstMs = Date.parse('0001-01-01T00:00:00Z');
const lastMs = Date.parse('9999-12-31T23:59:59Z');
const dayMs = 86_400_000;
const iso = (ms: number) => new Date(ms).toISOString();
const same = (type: string) => (value: Value) => ({ type, value, shown: value });
const finite = (type: string) => (value: number) => ({ type, value, shown: Number.isFinite(value) ? value : String(value) });
const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((value) => value.isWellFormed());

const integer = (type: string, bits: bigint, least = -(1n << (bits - 1n))): fc.Arbitrary<Cell> =>
  fc.tuple(fc.bigInt({ min: least, max: (1n << (bits - 1n)) - 1n }), fc.boolean()).map(([value, asText]) => {
    const shown = Number.isSafeInteger(Number(value)) ? Number(value) : value;
    return { type, value: asText ? String(value) : shown, shown };
  });
const instant = (type: string, zone: string): fc.Arbitrary<Cell> =>
  fc
    .tuple(fc.integer({ min: firstMs / 1_000, max: lastMs / 1_000 }), fc.nat(999_999_999))
    .map(([seconds, nanos]) => `${iso(seconds * 1_000).slice(0, 19)}.${String(nanos).padStart(9, '0')}${zone}`)
    .map(same(type));

const scalar: fc.Arbitrary<Cell> = fc.oneof(
  integer('tinyint', 8n),
  integer('smallint', 16n),
  integer('int', 32n),
  integer('bigint', 64n, 1n - (1n << 63n)),
  fc.double().map(finite('double')),
  fc.float().map(finite('float')),
  fc.boolean().map(same('boolean')),
  text.map(same('string')),
  text.map(same('varchar(100)')),
  fc.uint8Array({ maxLength: 20 }).map((value) => ({ type: 'binary', value, shown: Buffer.from(value).toString('base64') })),
  fc
    .tuple(fc.bigInt({ min: 1n - 10n ** 20n, max: 10n ** 20n - 1n }), fc.nat(999_999))
    .map(([whole, fraction]) => `${whole}.${String(fraction).padStart(6, '0')}`)
    .map(same('decimal(26,6)')),
  fc
    .integer({ min: Math.ceil(firstMs / dayMs), max: Math.floor(lastMs / dayMs) })
    .map((day) => iso(day * dayMs).slice(0, 10))
    .map(same('date')),
  fc
    .integer({ min: firstMs, max: lastMs })
    .chain((ms) => fc.constantFrom(iso(ms), ms, new Date(ms)).map((value) => ({ type: 'datetime', value, shown: iso(ms) }))),
  instant('timestamp', 'Z'),
  instant('timestamp_ntz', ''),
  fc.jsonValue({ maxDepth: 2 }).map((value) => ({ type: 'json', value, shown: value === null ? null : JSON.stringify(value) })),
);
const cell: fc.Arbitrary<Cell> = fc.oneof(
  scalar,
  fc.tuple(scalar, fc.array(fc.boolean(), { maxLength: 4 })).map(([{ type, value, shown }, nulls]) => ({
    type: `array<${type}>`,
    value: nulls.map((isNull) => (isNull ? null : value)),
    shown: nulls.map((isNull) => (isNull ? null : shown)),
  })),
  fc.tuple(scalar, fc.dictionary(text, fc.boolean(), { maxKeys: 3, noNullPrototype: true })).map(([{ type, value, shown }, keys]) => ({
    type: `map<string,${type}>`,
    value: Object.fromEntries(Object.keys(keys).map((key) => [key, value])),
    shown: Object.keys(keys).map((key) => [key, shown]),
  })),
  fc.tuple(scalar, scalar).map(([a, b]) => ({
    type: `struct<a:${a.type},b:array<${b.type}>>`,
    value: { a: a.value, b: [b.value, null] },
    shown: { a: a.shown, b: [b.shown, null] },
  })),
);

let server: MaxComputeServer;
let tables = 0;
beforeAll(async () => {
  server = await startMaxCompute();
});
afterAll(() => server?.stop());

it('any row of any types is in the table as it was sent, and its neighbours too', async () => {
  const cells = fc.array(cell, { minLength: 1, maxLength: 20 });
  const property = fc.asyncProperty(cells, fc.constantFrom('stream', 'block'), async (row, upload) => {
    const table = `rows_${tables++}`;
    const named = <Part>(part: (cell: Cell) => Part) => Object.fromEntries(row.map((each, index) => [`c${index}`, part(each)]));
    server.createTable(table, { columns: { ...originColumns, ...named(({ type }) => type) } });
    const sink = await openSink({ ...connection(server), table, mode: 'value', format: 'flatten', partition: false, upload });
    const value = named((each) => each.value);
    const outcomes = await write(sink, [record('k', value), record('k', {}), record('k', value)]);
    await sink.close?.();
    expect(inWords(outcomes)).toEqual(['delivered', 'delivered', 'delivered']);
    const [shown, nothing] = [named((each) => each.shown), named(() => null)];
    expect(server.rows(table).map(withoutOrigin)).toEqual([shown, nothing, shown]);
  });
  await fc.assert(property, { numRuns: 60, interruptAfterTimeLimit: 20_000 });
});
