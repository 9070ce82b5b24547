import { Type } from 'typebox';
import { DataError } from '../core/errors.ts';
import { defineFormat } from '../core/format.ts';
import { toJson } from '../core/json.ts';
import type { Origin } from '../core/record.ts';
import { envelopeDecoder } from './connect-envelope.ts';
import { jsonFault } from './json-fault.ts';
import { losslessInteger, mayHoldLongInteger, parseNumbers, type ReadNumber } from './json-numbers.ts';
import { undecodable } from './undecodable.ts';
import { decodeUtf8 } from './utf8.ts';

/** JSON as records carry it. The last of repeated names counts; JSON's own null is a null value, as in Kafka Connect. */
export const json = defineFormat({
  name: 'json',
  summary: 'JSON text in UTF-8. Integers of any size keep their digits.',
  config: Type.Object({
    envelope: Type.Union([Type.Literal('none'), Type.Literal('connect')], {
      default: 'none',
      description:
        'What wraps the value. `connect` takes {"schema": …, "payload": …} apart, as written by Kafka Connect\'s JsonConverter with schemas.enable=true; `none` takes the JSON as it is.',
    }),
  }),
  carriesJson: true,
  borrows: true,
  decoder({ envelope }) {
    if (envelope === 'connect') return envelopeDecoder(decodeJson);
    return (bytes, origin) => ({ value: decodeJson(bytes, origin) });
  },
  encode: (value) => Buffer.from(toJson(value)),
});

/** The value of JSON bytes. Integers that a double cannot be trusted with become bigints. Throws a DataError `RECORD_UNDECODABLE` that says where, never what. */
export function decodeJson(bytes: Uint8Array, origin: Origin, readNumber?: ReadNumber): unknown {
  const text = decodeUtf8(bytes, origin);
  try {
    const lossless = readNumber ?? (mayHoldLongInteger(bytes, text) ? losslessInteger : undefined);
    const value: unknown = lossless === undefined ? JSON.parse(text) : parseNumbers(text, lossless);
    if (text.length > 2 * maxDepth && mayBeDeep(text) && isDeeper(value, maxDepth)) throw tooDeep(origin);
    return value;
  } catch (error) {
    if (error instanceof DataError) throw error;
    const fault = error instanceof SyntaxError ? jsonFault(text) : undefined;
    if (fault === undefined) throw tooDeep(origin); // a RangeError: the stack ran out
    throw undecodable(
      text === '' ? 'Expected JSON, found no bytes' : `Expected JSON, found ${faultName(text, fault)} at position ${fault}`,
      origin,
    );
  }
}

/** Enough for any real record, and as much as the targets' own JSON readers take. */
const maxDepth = 1_000;

/** Whether more brackets open than may be nested: a count that costs little where it says no. */
function mayBeDeep(text: string): boolean {
  let count = 0;
  for (const bracket of ['[', '{'])
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) if (++count > maxDepth) return true;
  return false;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const inner of Object.values(value)) if (isDeeper(inner, levels - 1)) return true;
  return false;
}

function faultName(text: string, position: number): string {
  if (position === text.length) return 'the end';
  return text[position] === '\ufeff' ? 'a byte order mark' : 'something else';
}

function tooDeep(origin: Origin): DataError {
  return undecodable(`Expected JSON of at most ${maxDepth} levels, found more`, origin);
}
