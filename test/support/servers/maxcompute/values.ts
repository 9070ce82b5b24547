import type { Checksum } from './crc32c.ts';
import { BrokenStream, type Cursor, varint, zigzag } from './cursor.ts';
import { dateOf, daysOf, instantOf, isoOf, secondsAndNanosOf } from './moments.ts';
import type { ColumnType } from './types.ts';

/**
 * A value as it is stored and shown: integers as numbers, or bigints where a double would round; decimals, dates and
 * instants as text; binary in base64; maps as pairs; structs as objects; JSON as its text.
 */
export type Value = null | boolean | number | bigint | string | readonly Value[] | { readonly [member: string]: Value };

/** The wire type in the tag of a column. */
export function wireTypeOf({ name }: ColumnType): number {
  switch (name) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'boolean':
    case 'date':
    case 'datetime':
    case 'interval_year_month':
      return 0;
    case 'double':
      return 1;
    case 'float':
      return 5;
    default:
      return 2;
  }
}

/** Reads what follows a tag, and feeds the record's checksum with it. */
export function readValue(type: ColumnType, bytes: Cursor, sum: Checksum): Value {
  const integer = (): bigint => {
    const value = bytes.zigzag();
    sum.addInt64(value);
    return value;
  };
  const counted = (): Buffer => {
    const content = bytes.take(bytes.count());
    sum.add(content);
    return content;
  };
  switch (type.name) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'interval_year_month':
      return plainInteger(integer());
    case 'boolean': {
      const byte = bytes.byte();
      if (byte > 1) throw new BrokenStream(`A boolean is the byte ${byte}.`);
      sum.add(Buffer.of(byte));
      return byte === 1;
    }
    case 'date':
      return dateOf(integer());
    case 'datetime':
      return isoOf(integer());
    case 'float':
    case 'double': {
      const content = bytes.take(type.name === 'float' ? 4 : 8);
      sum.add(content);
      return plainDouble(type.name === 'float' ? content.readFloatLE() : content.readDoubleLE());
    }
    case 'binary':
      return counted().toString('base64');
    case 'string':
    case 'varchar':
    case 'char':
    case 'decimal':
    case 'json':
      return textOf(counted());
    case 'timestamp':
    case 'timestamp_ntz':
    case 'interval_day_time': {
      const seconds = integer();
      const nanos = Number(bytes.zigzag());
      if (nanos < 0 || nanos > 999_999_999) throw new BrokenStream(`Nanoseconds have to be 0 to 999999999, these are ${nanos}.`);
      sum.addInt32(nanos);
      if (type.name === 'interval_day_time') return `${seconds} s ${nanos} ns`;
      return instantOf(seconds, nanos, type.name === 'timestamp' ? 'Z' : '');
    }
    case 'array':
      return readList(type.element, bytes, sum);
    case 'map': {
      const keys = readList(type.key, bytes, sum);
      const values = readList(type.value, bytes, sum);
      if (keys.length !== values.length) throw new BrokenStream('A map has to have as many values as keys.');
      return keys.map((key, index) => [key, values[index] ?? null]);
    }
    case 'struct':
      return Object.fromEntries(type.members.map((member) => [member.name, readOptional(member.type, bytes, sum)]));
  }
}

function readList(type: ColumnType, bytes: Cursor, sum: Checksum): Value[] {
  return Array.from({ length: bytes.count() }, () => readOptional(type, bytes, sum));
}

function readOptional(type: ColumnType, bytes: Cursor, sum: Checksum): Value {
  const isNull = bytes.byte();
  if (isNull > 1) throw new BrokenStream(`The mark of a null is the byte ${isNull}.`);
  return isNull === 1 ? null : readValue(type, bytes, sum);
}

/** Writes what follows a tag, for downloads. */
export function writeValue(type: ColumnType, value: Value, sum: Checksum): Buffer {
  const integer = (number: bigint): Buffer => {
    sum.addInt64(number);
    return zigzag(number);
  };
  const counted = (content: Buffer): Buffer => {
    sum.add(content);
    return Buffer.concat([varint(BigInt(content.length)), content]);
  };
  const raw = (content: Buffer): Buffer => {
    sum.add(content);
    return content;
  };
  const list = (element: ColumnType, values: readonly Value[]): Buffer =>
    Buffer.concat([varint(BigInt(values.length)), ...values.map((inner) => writeOptional(element, inner, sum))]);

  switch (type.name) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'interval_year_month':
      return integer(BigInt(value as number | bigint));
    case 'boolean':
      return raw(Buffer.of(value === true ? 1 : 0));
    case 'date':
      return integer(daysOf(String(value)));
    case 'datetime':
      return integer(BigInt(Date.parse(String(value))));
    case 'float':
    case 'double': {
      const content = Buffer.alloc(type.name === 'float' ? 4 : 8);
      if (type.name === 'float') content.writeFloatLE(Number(value));
      else content.writeDoubleLE(Number(value));
      return raw(content);
    }
    case 'binary':
      return counted(Buffer.from(String(value), 'base64'));
    case 'string':
    case 'varchar':
    case 'char':
    case 'decimal':
    case 'json':
      return counted(Buffer.from(String(value)));
    case 'timestamp':
    case 'timestamp_ntz':
      return moment(secondsAndNanosOf(String(value)), sum);
    case 'interval_day_time': {
      const [, seconds = '0', nanos = '0'] = /^(-?\d+) s (\d+) ns$/.exec(String(value)) ?? [];
      return moment([BigInt(seconds), Number(nanos)], sum);
    }
    case 'array':
      return list(type.element, value as readonly Value[]);
    case 'map': {
      const pairs = value as readonly (readonly [Value, Value])[];
      const keys = list(
        type.key,
        pairs.map(([key]) => key),
      );
      return Buffer.concat([
        keys,
        list(
          type.value,
          pairs.map(([, inner]) => inner),
        ),
      ]);
    }
    case 'struct': {
      const members = value as Readonly<Record<string, Value>>;
      return Buffer.concat(type.members.map((member) => writeOptional(member.type, members[member.name] ?? null, sum)));
    }
  }
}

function writeOptional(type: ColumnType, value: Value, sum: Checksum): Buffer {
  return value === null ? Buffer.of(1) : Buffer.concat([Buffer.of(0), writeValue(type, value, sum)]);
}

function moment([seconds, nanos]: readonly [bigint, number], sum: Checksum): Buffer {
  sum.addInt64(seconds);
  sum.addInt32(nanos);
  return Buffer.concat([zigzag(seconds), zigzag(BigInt(nanos))]);
}

function plainInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** JSON has no text for what is not finite. */
function plainDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(content: Buffer): string {
  try {
    return strictUtf8.decode(content);
  } catch (cause) {
    throw new BrokenStream(`A text is not UTF-8 (${(cause as Error).name}).`);
  }
}
