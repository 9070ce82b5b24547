import { isObject } from '../core/field.ts';
import type { LogicalType, Origin, RecordSchema, SchemaField } from '../core/record.ts';
import { undecodable } from './undecodable.ts';

/** A number whose digits a double would lose, for decimals. */
export class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A payload value to what its schema says it means. Throws a DataError that names the field. */
export type Convert = (value: unknown, origin: Origin) => unknown;

export interface ConnectSchema {
  readonly convert: Convert;
  /** Only for a struct: a record with fields. */
  readonly recordSchema?: RecordSchema;
  /** Decimals may come as JSON numbers, whose digits then count. */
  readonly hasDecimals: boolean;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** A type that goes by the name of its schema. `convert` answers undefined for a value that is not of the type. */
export interface NamedType {
  readonly type: LogicalType;
  readonly convert: (value: unknown, parameters: JsonObject) => unknown;
}
export type NamedTypes = ReadonlyMap<string, NamedType>;

const noTypes: NamedTypes = new Map();

/** Reads the schema of Kafka Connect's JSON envelope. Dates and timestamps become ISO 8601 text, decimals text with all their digits, bytes bytes. */
export function readConnectSchema(schema: unknown, origin: Origin, named: NamedTypes = noTypes): ConnectSchema {
  const convert = converter(schema, 'payload', origin, named);
  const hasDecimals = containsDecimal(schema);
  const recordSchema = recordSchemaOf(schema, named);
  return recordSchema === undefined ? { convert, hasDecimals } : { convert, hasDecimals, recordSchema };
}

/** The fields of a struct; undefined for any other schema. */
export function recordSchemaOf(schema: unknown, named: NamedTypes = noTypes): RecordSchema | undefined {
  if (!isObject(schema) || schema['type'] !== 'struct') return undefined;
  const fields = list(schema['fields']).map((field) => toSchemaField(field, named));
  return { ...(typeof schema['name'] === 'string' ? { name: schema['name'] } : {}), fields };
}

const prefix = 'org.apache.kafka.connect.data.';
const logicalTypes: Readonly<Record<string, LogicalType>> = { Decimal: 'decimal', Date: 'date', Time: 'time', Timestamp: 'timestamp' };
const plainTypes: Readonly<Record<string, LogicalType>> = {
  boolean: 'boolean',
  int8: 'integer',
  int16: 'integer',
  int32: 'integer',
  int64: 'bigint',
  float: 'float',
  double: 'double',
  bytes: 'bytes',
  string: 'string',
};

function logicalName(schema: JsonObject): string | undefined {
  const name = schema['name'];
  if (typeof name !== 'string' || !name.startsWith(prefix)) return undefined;
  const logical = name.slice(prefix.length);
  return Object.hasOwn(logicalTypes, logical) ? logical : undefined;
}

function containsDecimal(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.some(containsDecimal);
  return (
    isObject(schema) &&
    (logicalName(schema) === 'Decimal' || ['fields', 'items', 'keys', 'values'].some((part) => containsDecimal(schema[part])))
  );
}

function toSchemaField(field: unknown, named: NamedTypes): SchemaField {
  const schema = isObject(field) ? field : {};
  const type =
    named.get(String(schema['name']))?.type ?? logicalTypes[logicalName(schema) ?? ''] ?? plainTypes[String(schema['type'])] ?? 'json';
  return {
    name: String(schema['field']),
    type,
    optional: schema['optional'] === true,
    ...(type === 'decimal' && logicalName(schema) === 'Decimal' ? { scale: scaleOf(schema) ?? 0 } : {}),
  };
}

function converter(schema: unknown, where: string, origin: Origin, named: NamedTypes): Convert {
  if (!isObject(schema)) throw undecodable(`Expected a schema for ${where}, found none`, origin);
  const convert = required(schema, where, origin, named);
  const { optional, default: fallback } = schema;
  const isDecimal = logicalName(schema) === 'Decimal';
  return (given, at) => {
    const value = given instanceof Digits && !isDecimal ? Number(given.text) : given;
    if (value !== null && value !== undefined) return convert(value, at);
    if (fallback !== null && fallback !== undefined) return convert(fallback, at);
    if (optional === true) return null;
    throw undecodable(`Expected ${where} to have a value, as its schema requires one`, at);
  };
}

function required(schema: JsonObject, where: string, origin: Origin, named: NamedTypes): Convert {
  const special = named.get(String(schema['name']));
  if (special !== undefined) {
    const parameters = isObject(schema['parameters']) ? schema['parameters'] : {};
    return (value, at) => {
      const converted = special.convert(value, parameters);
      return converted === undefined ? refuse(value, where, at) : converted;
    };
  }
  const scalar = scalarConverter(schema, where, origin);
  if (scalar !== undefined) return (value, at) => scalar(value) ?? refuse(value, where, at);
  switch (schema['type']) {
    case 'array': {
      const item = converter(schema['items'], `${where}[]`, origin, named);
      return (value, at) => (Array.isArray(value) ? value.map((inner) => item(inner, at)) : refuse(value, where, at));
    }
    case 'map': {
      const toKey = converter(schema['keys'], `the keys of ${where}`, origin, named);
      const toValue = converter(schema['values'], `${where}{}`, origin, named);
      return (value, at) => {
        if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toValue(inner, at)]));
        if (!Array.isArray(value)) return refuse(value, where, at);
        return value.map((pair) =>
          Array.isArray(pair) && pair.length === 2 ? [toKey(pair[0], at), toValue(pair[1], at)] : refuse(value, where, at),
        );
      };
    }
    case 'struct': {
      const fields = list(schema['fields']).map((field) => {
        const name = isObject(field) ? field['field'] : undefined;
        if (typeof name !== 'string') throw undecodable(`Expected the fields of ${where} to have names`, origin);
        return { name, convert: converter(field, `${where}.${name}`, origin, named) };
      });
      return (value, at) => {
        if (!isObject(value)) return refuse(value, where, at);
        return Object.fromEntries(
          fields.map(({ name, convert }) => [name, convert(Object.hasOwn(value, name) ? value[name] : undefined, at)]),
        );
      };
    }
    default:
      throw undecodable(`Expected a type of Kafka Connect for ${where}, found another one`, origin);
  }
}

/** Answers undefined for a value that is not of the type. */
function scalarConverter(schema: JsonObject, where: string, origin: Origin): ((value: unknown) => unknown) | undefined {
  switch (logicalName(schema)) {
    case 'Decimal': {
      const scale = scaleOf(schema);
      if (scale === undefined) throw undecodable(`Expected a whole number as scale of ${where}`, origin);
      return (value) => decimalText(value, scale);
    }
    case 'Date':
      return (value) => iso(Number.isInteger(value) ? Number(value) * 86_400_000 : undefined)?.slice(0, -'T00:00:00.000Z'.length);
    case 'Time':
      return (value) =>
        typeof value === 'number' && value >= 0 && value < 86_400_000 ? iso(value)?.slice('1970-01-01T'.length, -1) : undefined;
    case 'Timestamp':
      return (value) => iso(value);
  }
  switch (schema['type']) {
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? value : undefined);
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
      return (value) => (typeof value === 'bigint' || Number.isInteger(value) ? value : undefined);
    case 'float':
    case 'double':
      return (value) => (typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined);
    case 'string':
      return (value) => (typeof value === 'string' ? value : undefined);
    case 'bytes':
      return (value) => (typeof value === 'string' ? decodeBase64(value) : undefined);
    default:
      return undefined;
  }
}

/** The bytes of base64 text; undefined for any other text. */
export function decodeBase64(base64: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return undefined;
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

/** A decimal as Kafka Connect writes it, base64 or a number, with `scale` digits after the point. */
export function decimalText(value: unknown, scale: number): string | undefined {
  return typeof value === 'string' ? decimalOf(decodeBase64(value), scale) : numericDecimal(value);
}

/** Big-endian two's complement bytes as text with `scale` digits after the point. */
function decimalOf(bytes: Uint8Array | undefined, scale: number): string | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled);
  if (scale <= 0) return unscaled === 0n ? '0' : `${sign}${digits}${'0'.repeat(-scale)}`;
  const padded = digits.padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

function numericDecimal(value: unknown): string | undefined {
  if (value instanceof Digits) return value.text;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

function scaleOf(schema: JsonObject): number | undefined {
  const parameters = schema['parameters'];
  const scale = isObject(parameters) ? Number(parameters['scale']) : Number.NaN;
  return Number.isInteger(scale) && Math.abs(scale) <= 10_000 ? scale : undefined;
}

function iso(ms: unknown): string | undefined {
  return typeof ms === 'number' && Number.isInteger(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function refuse(value: unknown, where: string, origin: Origin): never {
  const found = Array.isArray(value) ? 'list' : typeof value;
  throw undecodable(`Expected ${where} to be what its schema says, found a ${found} that is not`, origin);
}
