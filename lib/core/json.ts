import { DataError } from './errors.ts';

/** A value as JSON text that loses nothing: bigints as digits, bytes as base64. Throws a DataError `VALUE_NOT_JSON` for what JSON cannot say, such as NaN. */
export function toJson(value: unknown): string {
  try {
    const text = isPlain(value) ? JSON.stringify(value) : JSON.stringify(value, replace);
    if (typeof text === 'string') return text;
  } catch (error) {
    if (error instanceof DataError) throw error;
    // Cyclic or too deep; the engine's own message holds names of fields.
  }
  throw new DataError(
    'VALUE_NOT_JSON',
    `Expected a value that JSON can say, found ${typeof value === 'object' ? 'a cyclic or too deep one' : typeof value}`,
  );
}

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** What `JSON.stringify` writes correctly, and much faster without a replacer. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint';
  if (ArrayBuffer.isView(value)) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isPlain(item)) return false;
    return true;
  }
  for (const name in value) if (!isPlain((value as Readonly<Record<string, unknown>>)[name])) return false;
  return true;
}

function replace(this: Readonly<Record<string, unknown>>, name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return rawJSON(String(value));
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new DataError('VALUE_NOT_JSON', 'Expected a number that JSON can say, found NaN or infinity');
  // Buffers have a toJSON of their own, which has run by now.
  const original = this[name];
  if (ArrayBuffer.isView(original)) return Buffer.from(original.buffer, original.byteOffset, original.byteLength).toString('base64');
  return value;
}
