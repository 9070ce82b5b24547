import { DataError } from '../../core/errors.ts';
import type { KafkaRecord } from '../../core/record.ts';
import type { Format } from './body.ts';

/** What tells one record from the next in an object of raw bytes. */
export type Framing = 'newline' | 'length' | 'none';

/** The bytes of values, one after the other. */
export function rawFormat(framing: Framing): Format {
  const text = framing === 'newline';
  return {
    ...{ extension: text ? '.txt' : '.bin', contentType: text ? 'text/plain' : 'application/octet-stream' },
    ...{ header: '', footer: '', between: '', foldsLines: false },
    append(record, body) {
      const bytes = valueBytes(record);
      if (text && bytes.includes(0x0a))
        throw new DataError(
          'VALUE_HOLDS_NEWLINE',
          'Expected a value without line feeds, as each is a line. Set framing: length for others.',
        );
      if (framing === 'length') body.bytes(lengthPrefix(bytes.length));
      body.bytes(bytes);
      if (text) body.lineEnd();
    },
  };
}

function valueBytes({ bytes, value }: KafkaRecord): Uint8Array {
  if (bytes !== undefined) return bytes;
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string' && value.isWellFormed()) return Buffer.from(value);
  throw new DataError(
    'VALUE_NOT_BYTES',
    `Expected bytes or text for an object of raw bytes, found ${value === null ? 'null' : typeof value}`,
  );
}

/** Four bytes, big-endian. */
function lengthPrefix(length: number): Uint8Array {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(length);
  return prefix;
}
