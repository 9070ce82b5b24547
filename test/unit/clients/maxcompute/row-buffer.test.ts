import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ColumnType, parseColumnType } from '../../../../lib/clients/maxcompute/column-type.ts';
import { createRowBuffer, type RowBuffer, wire } from '../../../../lib/clients/maxcompute/row-buffer.ts';
import { readRecords } from '../../../support/servers/maxcompute/record-stream.ts';
import { column } from '../../../support/servers/maxcompute/types.ts';

interface Vector {
  readonly name: string;
  readonly types: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly recordCrcs?: readonly string[];
  readonly streamCrc?: string;
  readonly body: string;
}

const { vectors } = JSON.parse(readFileSync(new URL('../../../fixtures/maxcompute/records.json', import.meta.url), 'utf8')) as {
  readonly vectors: readonly Vector[];
};

describe.each(vectors)('$name, $types', ({ types, rows, body, recordCrcs, streamCrc }) => {
  const columns = types.map(parseColumnType);

  it.each([1, 16_384])('has the bytes that other clients write, from a buffer of %i', (sizeHint) => {
    const buffer = createRowBuffer(sizeHint);
    for (const row of rows) writeRow(buffer, columns, row);
    expect(buffer.rows).toBe(rows.length);
    expect(buffer.finish().toString('hex')).toBe(body);
  });

  it('is read back row by row, with checksums that hold', () => {
    const declared = types.map((type, index) => column(`c${index}`, type));
    expect(readRecords(Buffer.from(body, 'hex'), declared)).toHaveLength(rows.length);
  });

  it('has the checksums of records and stream that are given', () => {
    for (const crc of [...(recordCrcs ?? []), ...(streamCrc === undefined ? [] : [streamCrc])])
      expect(body).toContain(varint(Number.parseInt(crc, 16)));
  });
});

it('forgets a row that is dropped', () => {
  const columns = [parseColumnType('bigint'), parseColumnType('string')];
  const buffer = createRowBuffer();
  writeRow(buffer, columns, ['1', 'a']);
  buffer.beginRow();
  buffer.field(1, wire.varint);
  buffer.integer(7);
  buffer.dropRow();
  writeRow(buffer, columns, ['2', 'b']);
  expect(buffer.finish().toString('hex')).toBe(vectors.find(({ name }) => name === 'V16')?.body);
});

it('writes every whole number such that it is read back', () => {
  const columns = [column('big', 'bigint'), column('small', 'bigint')];
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeInteger(), (big, small) => {
      const buffer = createRowBuffer();
      buffer.beginRow();
      buffer.field(1, wire.varint);
      buffer.bigInteger(big);
      buffer.field(2, wire.varint);
      buffer.integer(small);
      buffer.endRow();
      const [row] = readRecords(buffer.finish(), columns);
      expect([BigInt(row?.['big'] as number), row?.['small']]).toEqual([big, small === 0 ? 0 : small]);
    }),
  );
});

it('writes many rows of any text such that they are read back', () => {
  const columns = [parseColumnType('string'), parseColumnType('binary')];
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.uint8Array({ maxLength: 300 }))), (rows) => {
      const buffer = createRowBuffer(1);
      for (const [text, bytes] of rows) writeRow(buffer, columns, [text, Buffer.from(bytes).toString('hex')]);
      const found = readRecords(buffer.finish(), [column('text', 'string'), column('bytes', 'binary')]);
      expect(found).toEqual(rows.map(([text, bytes]) => ({ text, bytes: Buffer.from(bytes).toString('base64') })));
    }),
    { numRuns: 50 },
  );
});

function varint(value: number): string {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest < 128 ? rest : (rest % 128) + 128);
    if (rest < 128) return Buffer.from(bytes).toString('hex');
  }
}

function writeRow(buffer: RowBuffer, columns: readonly ColumnType[], row: readonly unknown[]): void {
  buffer.beginRow();
  for (const [index, value] of row.entries()) {
    const type = columns[index];
    if (value === null || type === undefined) continue;
    buffer.field(index + 1, wireTypes[type.name] ?? wire.bytes);
    writeValue(buffer, type, value);
  }
  buffer.endRow();
}

const wireTypes: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    ['tinyint', 'smallint', 'int', 'bigint', 'boolean', 'date', 'datetime', 'interval_year_month'].map((name) => [name, wire.varint]),
  ),
  float: wire.fixed32,
  double: wire.fixed64,
};

function writeValue(buffer: RowBuffer, type: ColumnType, value: unknown): undefined {
  const members = (items: readonly unknown[], typeOf: (index: number) => ColumnType): undefined => {
    for (const [index, item] of items.entries()) {
      buffer.isNull(item === null);
      if (item !== null) writeValue(buffer, typeOf(index), item);
    }
  };
  switch (type.name) {
    case 'bigint':
      return buffer.bigInteger(BigInt(value as string));
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'date':
    case 'datetime':
    case 'interval_year_month':
      return buffer.integer(Number(value));
    case 'boolean':
      return buffer.boolean(value as boolean);
    case 'float':
      return buffer.float(Number(value));
    case 'double':
      return buffer.double(Number(value));
    case 'binary':
      return buffer.binary(Buffer.from(value as string, 'hex'));
    case 'timestamp':
    case 'timestamp_ntz':
    case 'interval_day_time':
      return buffer.instant(...(value as [number, number]));
    case 'array':
      buffer.count((value as unknown[]).length);
      return members(value as unknown[], () => type.element);
    case 'map': {
      const entries = Object.entries(value as object);
      buffer.count(entries.length);
      members(
        entries.map(([key]) => key),
        () => type.key,
      );
      buffer.count(entries.length);
      return members(
        entries.map(([, member]) => member),
        () => type.value,
      );
    }
    case 'struct':
      return members(
        type.members.map(({ name }) => (value as Record<string, unknown>)[name] ?? null),
        (index) => type.members[index]!.type,
      );
    default:
      return buffer.text(value as string, Buffer.byteLength(value as string));
  }
}
