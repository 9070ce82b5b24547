import { isObject } from '../core/field.ts';
import type { Decode, Decoded } from '../core/format.ts';
import { toJson } from '../core/json.ts';
import type { Origin } from '../core/record.ts';
import { type ConnectSchema, Digits, readConnectSchema } from './connect-schema.ts';
import { losslessInteger, type ReadNumber } from './json-numbers.ts';
import { undecodable } from './undecodable.ts';

type DecodeJson = (bytes: Uint8Array, origin: Origin, readNumber?: ReadNumber) => unknown;

const maxSchemas = 1_000;

interface Envelope {
  readonly schema: unknown;
  readonly payload: unknown;
}

/** Takes Kafka Connect's `{schema, payload}` apart. A null payload is a null value: a tombstone. */
export function envelopeDecoder(decodeJson: DecodeJson): Decode {
  const unwrap = payloadReader(decodeJson, readConnectSchema);
  return (bytes, origin) => unwrap(open(decodeJson(bytes, origin), origin), bytes, origin);
}

/** Reads payloads by their schemas, once an envelope is decoded. */
export function payloadReader(
  decodeJson: DecodeJson,
  readSchema: (schema: unknown, origin: Origin) => ConnectSchema,
): (envelope: Envelope, bytes: Uint8Array, origin: Origin) => Decoded {
  // Each record repeats its schema; sinks recognise the same one by identity.
  const schemas = new Map<string, ConnectSchema>();

  const schemaOf = (schema: unknown, origin: Origin): ConnectSchema => {
    const text = toJson(schema);
    const known = schemas.get(text);
    if (known !== undefined) return known;
    const read = readSchema(schema, origin);
    if (schemas.size >= maxSchemas) schemas.clear();
    schemas.set(text, read);
    return read;
  };

  return ({ schema, payload }, bytes, origin) => {
    if (payload === null || schema === null) return { value: payload, unwrapped: true };
    const { convert, recordSchema, hasDecimals } = schemaOf(schema, origin);
    const exact = hasDecimals ? open(decodeJson(bytes, origin, keepDigits), origin).payload : payload;
    const value = convert(exact, origin);
    return recordSchema === undefined ? { value, unwrapped: true } : { value, schema: recordSchema, unwrapped: true };
  };
}

function keepDigits(value: number, digits: string): unknown {
  const integer = losslessInteger(value, digits);
  return integer === value && String(value) !== digits ? new Digits(digits) : integer;
}

/** The two parts of an envelope; undefined for anything else. */
export function envelopeOf(value: unknown): Envelope | undefined {
  if (!isObject(value) || !Object.hasOwn(value, 'schema') || !Object.hasOwn(value, 'payload') || Object.keys(value).length !== 2)
    return undefined;
  return { schema: value['schema'], payload: value['payload'] };
}

function open(value: unknown, origin: Origin): Envelope {
  const envelope = envelopeOf(value);
  if (envelope !== undefined) return envelope;
  throw undecodable(
    'Expected an object with exactly schema and payload, found something else. Without an envelope, set envelope: none',
    origin,
  );
}
