import type { Stage } from './delivery.ts';
import { ConnectorError, DataError, errorName, isTransient, RetriableError } from './errors.ts';
import type { Decode, Decoded } from './format.ts';
import { ReceivedRecord } from './received-record.ts';
import { type KafkaRecord, type Origin, originName, type SourceRecord, type Version } from './record.ts';
import { readReplay } from './replay.ts';
import type { ReadyTransform, Transform, TransformContext, TransformInput } from './transform.ts';

/** What happens to a record before it is written. */
export interface Preparation {
  readonly decodeKey: Decode;
  readonly decodeValue: Decode;
  /** Whether the decoders keep nothing of the bytes they are given. */
  readonly borrowsKey?: boolean;
  readonly borrowsValue?: boolean;
  /** The value's bytes are one JSON value, which may be passed on as they came. */
  readonly carriesJson: boolean;
  /** Ready-made transforms, run before the function's own. */
  readonly ready: readonly ReadyTransform[];
  readonly transform: Transform | undefined;
  readonly tombstones: 'pass' | 'transform';
  readonly epoch: number;
  /** Whether the replay headers of records from this topic are to be believed. */
  readonly believesReplays: (topic: string) => boolean;
}

export interface Failure {
  readonly error: ConnectorError;
  readonly stage: Stage;
}

/** A record to write, several, none (dropped), or why not. */
export type Prepared = KafkaRecord | readonly KafkaRecord[] | null | Failure;

/** Decodes and transforms one record. Never throws: whatever goes wrong is that record's failure. A promise only where the format or the transform is asynchronous. */
export function prepare(source: SourceRecord, preparation: Preparation, context: TransformContext): Prepared | Promise<Prepared> {
  let stage: Stage = 'key';
  if (source.incomplete !== undefined) return { error: source.incomplete, stage: 'value' };
  const { origin } = source; // once: some sources make it when they are asked
  try {
    const keyBytes = (preparation.borrowsKey === true ? source.borrowedKey : undefined) ?? source.key;
    const key = keyBytes === null ? null : preparation.decodeKey(keyBytes, origin);
    if (key instanceof Promise) return prepareLater(source, key, preparation, context);
    stage = 'value';
    const bytes = (preparation.borrowsValue === true ? source.borrowedValue : undefined) ?? source.value;
    const value = bytes === null ? null : preparation.decodeValue(bytes, origin);
    if (value instanceof Promise) return prepareLater(source, key, preparation, context, value);
    return transformed(source, origin, key, value, bytes === null ? 0 : bytes.length, preparation, context);
  } catch (error) {
    return { error: undecodable(error, stage, source), stage };
  }
}

async function prepareLater(
  source: SourceRecord,
  keyLater: Decoded | null | Promise<Decoded>,
  preparation: Preparation,
  context: TransformContext,
  valueLater?: Promise<Decoded>,
): Promise<Prepared> {
  let stage: Stage = 'key';
  try {
    const key = await keyLater;
    stage = 'value';
    const value = source.value === null ? null : await (valueLater ?? preparation.decodeValue(source.value, source.origin));
    return await transformed(source, source.origin, key, value, source.value?.length ?? 0, preparation, context);
  } catch (error) {
    return { error: undecodable(error, stage, source), stage };
  }
}

function transformed(
  received: SourceRecord,
  origin: Origin,
  key: Decoded | null,
  value: Decoded | null,
  size: number,
  preparation: Preparation,
  context: TransformContext,
): Prepared | Promise<Prepared> {
  const replay = preparation.believesReplays(origin.topic) ? readReplay(received.headers) : undefined;
  const source = replay?.timestamp === undefined ? received : withTimestamp(received, replay.timestamp);
  const { ready, transform } = preparation;
  const isTombstone = value === null || value.value === null;
  const passesBy = (ready.length === 0 && transform === undefined) || (isTombstone && preparation.tombstones === 'pass');
  if (passesBy) {
    const untouched = preparation.carriesJson && !isTombstone && value.unwrapped !== true;
    return onlyParts(new ReceivedRecord(source, origin, replay?.version, preparation.epoch, key, value, size, untouched), replay?.parts);
  }
  const record = toRecord(source, key, value, size, replay?.version ?? versionOf(origin, preparation.epoch));

  let current: KafkaRecord | null = record;
  try {
    for (const step of ready) {
      current = step(current);
      if (current === null) return null;
    }
    if (transform === undefined) return onlyParts(identified(current, record, 0), replay?.parts);
    const output = transform(current as TransformInput, context); // tombstones get here only where the connector asked for them
    if (output instanceof Promise) {
      return output.then(
        (result) => toOutputs(result, record, replay?.parts),
        (error: unknown) => transformFailure(error, source),
      );
    }
    return toOutputs(output, record, replay?.parts);
  } catch (error) {
    return transformFailure(error, source);
  }
}

/** A replayed record is as old as it was, whatever time its letter was given. */
function withTimestamp({ origin, headers, key, value }: SourceRecord, timestamp: number): SourceRecord {
  return { origin, timestamp, timestampType: 'create', headers, key, value };
}

/** A plain object, as transforms copy it. */
function toRecord(source: SourceRecord, key: Decoded | null, value: Decoded | null, size: number, version: Version): KafkaRecord {
  const { origin, timestamp, timestampType, headers } = source;
  const record = {
    origin,
    version,
    part: 0,
    timestamp,
    timestampType,
    headers,
    key: key === null ? null : key.value,
    value: value === null ? null : value.value,
    size,
  };
  return value?.schema === undefined ? record : { ...record, schema: value.schema };
}

function versionOf({ topic, partition, offset }: Origin, epoch: number): Version {
  return { topic, partition, offset, epoch };
}

function toOutputs(output: unknown, record: KafkaRecord, parts: readonly number[] | undefined): Prepared {
  if (output === null) return null;
  if (!Array.isArray(output)) {
    return isRecord(output) ? onlyParts(identified(output, record, 0), parts) : notARecord(output, record);
  }
  const outputs: KafkaRecord[] = [];
  for (const [part, each] of output.entries()) {
    if (!isRecord(each)) return notARecord(each, record);
    if (parts === undefined || parts.includes(part)) outputs.push(identified(each, record, part));
  }
  return outputs.length === 0 ? null : outputs;
}

/** Outputs carry the source's origin and version and their own part, whatever the transform returned; and never bytes that no longer say what the value says. */
function identified(output: KafkaRecord, source: KafkaRecord, part: number): KafkaRecord {
  const isMarked =
    output.origin === source.origin && output.version === source.version && output.part === part && output.bytes === undefined;
  const isWhole = output.key !== undefined && output.headers != null && output.timestamp != null && output.target !== null;
  if (isMarked && isWhole) return output;
  const { bytes: _, target, ...kept } = output;
  return {
    ...kept,
    ...(target == null ? {} : { target }),
    origin: source.origin,
    version: source.version,
    part,
    timestamp: output.timestamp ?? source.timestamp,
    timestampType: output.timestampType ?? source.timestampType,
    headers: output.headers ?? source.headers,
    key: output.key ?? null,
    size: source.size ?? 0,
  };
}

function onlyParts(record: KafkaRecord, parts: readonly number[] | undefined): KafkaRecord | null {
  return parts === undefined || parts.includes(record.part) ? record : null;
}

function isRecord(output: unknown): output is KafkaRecord {
  return recordFault(output) === undefined;
}

/** What a transform got wrong. Types cannot tell what comes out of a record: a field that is missing there must not become a delete. */
function recordFault(output: unknown): string | undefined {
  if (typeof output !== 'object' || output === null) return 'a record, a list of records, or null to drop it';
  const { value, target, headers, timestamp } = output as { readonly [name in keyof KafkaRecord]?: unknown };
  if (value === undefined) return 'a record with a value, or with value: null to delete';
  if (target != null && typeof target !== 'string') return 'a record whose target is text';
  if (headers != null && !Array.isArray(headers)) return 'a record whose headers are a list of { key, value }';
  return timestamp == null || Number.isFinite(timestamp) ? undefined : 'a record whose timestamp is in milliseconds since the epoch';
}

function notARecord(output: unknown, { origin }: KafkaRecord): Failure {
  const message = `Expected the transform to return ${recordFault(output)}, got something else (${originName(origin)})`;
  return { error: new DataError('TRANSFORM_RETURNED_NOTHING', message), stage: 'transform' };
}

/** An unknown failure of a transform is the record's fault; a network, abort or timeout failure is not. */
function transformFailure(error: unknown, { origin }: SourceRecord): Failure {
  if (error instanceof ConnectorError) return { error, stage: 'transform' };
  if (isTransient(error))
    return {
      error: new RetriableError('TRANSFORM_UNAVAILABLE', `The transform could not reach something it needs (${originName(origin)})`, {
        cause: error,
      }),
      stage: 'transform',
    };
  return {
    error: new DataError('TRANSFORM_FAILED', `The transform threw ${errorName(error)} (${originName(origin)})`, { cause: error }),
    stage: 'transform',
  };
}

function undecodable(error: unknown, stage: Stage, { origin }: SourceRecord): ConnectorError {
  if (error instanceof ConnectorError) return error;
  if (isTransient(error))
    return new RetriableError(
      'DECODER_UNAVAILABLE',
      `The decoder of the ${stage} could not reach something it needs (${originName(origin)})`,
      { cause: error },
    );
  return new DataError('RECORD_UNDECODABLE', `The ${stage} cannot be decoded: ${errorName(error)} (${originName(origin)})`, {
    cause: error,
  });
}
