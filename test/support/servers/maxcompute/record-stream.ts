import { checksum } from './crc32c.ts';
import { BrokenStream, cursorOver, tag, varint, zigzag } from './cursor.ts';
import type { Column } from './types.ts';
import { readValue, type Value, wireTypeOf, writeValue } from './values.ts';

export type Row = Readonly<Record<string, Value>>;

const endOfRecord = 33_553_408;
const rowCount = 33_554_430;
const streamSum = 33_554_431;

/** The rows of one body, every checksum and count compared; throws a BrokenStream at the first thing that is wrong. */
export function readRecords(body: Buffer, columns: readonly Column[]): Row[] {
  const bytes = cursorOver(body);
  const [sumOfRecord, sumOfSums] = [checksum(), checksum()];
  const rows: Row[] = [];
  let row: Record<string, Value> = emptyRow(columns);
  let before = 0;
  for (;;) {
    const key = bytes.count();
    const [field, wireType] = [key >>> 3, key & 7];
    if (field === endOfRecord) {
      expectWireType(field, wireType, 0);
      const announced = bytes.sum();
      if (announced !== sumOfRecord.value) throw new BrokenStream(`Record ${rows.length} has another checksum.`, 'CorruptedDataStream');
      sumOfSums.addInt32(announced);
      sumOfRecord.reset();
      rows.push(row);
      row = emptyRow(columns);
      before = 0;
    } else if (field === rowCount) {
      expectWireType(field, wireType, 0);
      if (before > 0) throw new BrokenStream('The last record has no end.');
      const announced = bytes.zigzag();
      if (announced !== BigInt(rows.length)) throw new BrokenStream(`The stream counts ${announced} records and holds ${rows.length}.`);
      if (bytes.count() !== ((streamSum << 3) | 0) >>> 0) throw new BrokenStream('The count is not followed by the checksum.');
      if (bytes.sum() !== sumOfSums.value) throw new BrokenStream('The stream has another checksum.', 'CorruptedDataStream');
      if (!bytes.isAtEnd) throw new BrokenStream('There are bytes after the end of the stream.');
      return rows;
    } else {
      const column = columns[field - 1];
      if (column === undefined)
        throw new BrokenStream(`There is no column ${field}, the table has ${columns.length}.`, 'InvalidColumnSpec');
      if (field <= before) throw new BrokenStream(`Column ${field} follows column ${before}.`);
      expectWireType(field, wireType, wireTypeOf(column.type));
      before = field;
      sumOfRecord.addInt32(field);
      row[column.name] = readValue(column.type, bytes, sumOfRecord);
    }
  }
}

/** How many records a body says it holds, without reading them: for benchmarks. */
export function countOfRecords(body: Buffer): number {
  const mark = tag(rowCount, 0);
  const at = body.lastIndexOf(mark);
  if (at < 0) throw new BrokenStream('The stream has no count.', 'IncompleteBody');
  return Number(cursorOver(body.subarray(at + mark.length)).zigzag());
}

/** The body of a download. */
export function writeRecords(rows: readonly Row[], columns: readonly Column[]): Buffer {
  const [sumOfRecord, sumOfSums] = [checksum(), checksum()];
  const pieces: Buffer[] = [];
  for (const row of rows) {
    for (const [index, { name, type }] of columns.entries()) {
      const value = row[name] ?? null;
      if (value === null) continue;
      sumOfRecord.addInt32(index + 1);
      pieces.push(tag(index + 1, wireTypeOf(type)), writeValue(type, value, sumOfRecord));
    }
    pieces.push(tag(endOfRecord, 0), varint(BigInt(sumOfRecord.value)));
    sumOfSums.addInt32(sumOfRecord.value);
    sumOfRecord.reset();
  }
  pieces.push(tag(rowCount, 0), zigzag(BigInt(rows.length)), tag(streamSum, 0), varint(BigInt(sumOfSums.value)));
  return Buffer.concat(pieces);
}

function emptyRow(columns: readonly Column[]): Record<string, Value> {
  return Object.fromEntries(columns.map(({ name }) => [name, null]));
}

function expectWireType(field: number, found: number, expected: number): void {
  if (found !== expected) throw new BrokenStream(`Field ${field} has the wire type ${found}, expected ${expected}.`);
}
