import { DataError } from '../core/errors.ts';
import { isObject } from '../core/field.ts';
import { type KafkaRecord, originName, type RecordSchema } from '../core/record.ts';

export type ObjectValue = Readonly<Record<string, unknown>>;

/** The value of a record as an object. Throws a DataError `TRANSFORM_NEEDS_OBJECT` for text, numbers and lists. */
export function objectValue(record: KafkaRecord, transform: string): ObjectValue {
  if (isObject(record.value)) return record.value;
  const found = Array.isArray(record.value) ? 'a list' : ArrayBuffer.isView(record.value) ? 'bytes' : `a ${typeof record.value}`;
  throw new DataError('TRANSFORM_NEEDS_OBJECT', `Expected an object for ${transform}, found ${found} (${originName(record.origin)})`);
}

/** Adds a field to an object under construction; `__proto__` is a field like any other. */
export function setOwn(value: Record<string, unknown>, name: string, field: unknown): void {
  if (name === '__proto__') Object.defineProperty(value, name, { value: field, enumerable: true, configurable: true, writable: true });
  else value[name] = field;
}

/** A DataError `FIELD_EXISTS`; `name` comes from the configuration, never from the record. */
export function fieldExists(name: string, transform: string, record: KafkaRecord): DataError {
  return new DataError('FIELD_EXISTS', `Expected no field "${name}" before ${transform}, found one (${originName(record.origin)})`);
}

/** Adapts schemas, keeping one result for each, as sinks recognise a schema by identity. */
export function schemaMemo(adapt: (schema: RecordSchema) => RecordSchema): (schema: RecordSchema) => RecordSchema {
  const adapted = new WeakMap<RecordSchema, RecordSchema>();
  return (schema) => {
    const known = adapted.get(schema);
    if (known !== undefined) return known;
    const made = adapt(schema);
    adapted.set(schema, made);
    return made;
  };
}

/** The record without its schema, which no longer describes the value. */
export function withoutSchema({ schema: _, ...record }: KafkaRecord, value: unknown): KafkaRecord {
  return { ...record, value };
}
