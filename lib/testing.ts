import { definitionOf } from './compose.ts';
import { ConfigError } from './core/errors.ts';
import { silentLog } from './core/log.ts';
import { prepare } from './core/prepare.ts';
import type { Header, KafkaRecord, Origin } from './core/record.ts';

/** A record as a test writes it; what it leaves out does not matter to it. */
export interface TestRecord<Value = unknown, Key = unknown> {
  readonly value: Value | null;
  readonly key?: Key;
  readonly origin?: Origin;
  readonly timestamp?: number;
  readonly headers?: readonly Header[];
}

export interface TransformedOptions {
  /** `connector.settings` of serverless.yml, which the transform finds in its context. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** `connector.tombstones`: whether records without a value go through the transform. */
  readonly tombstones?: 'pass' | 'transform';
  /** Answers `context.secret`. */
  readonly secret?: (reference: object) => Promise<string>;
}

const noSecret = async (): Promise<string> => {
  throw new ConfigError('SECRET_MISSING', 'The test gives no secret. Pass { secret } to transformed().');
};

/**
 * The records that a connector's own transform makes of one record: none when it drops it, several when it fans it out. Ready-made transforms of
 * serverless.yml have run by then. Throws what the transform throws.
 */
export async function transformed(
  handler: unknown,
  { value, key, origin = { topic: 'test', partition: 0, offset: 0 }, timestamp = 0, headers = [] }: TestRecord,
  { settings = {}, tombstones = 'pass', secret = noSecret }: TransformedOptions = {},
): Promise<readonly KafkaRecord[]> {
  const definition = definitionOf(handler);
  if (definition === undefined) throw new TypeError('Expected a handler that was made by connect().');
  const given = (content: unknown) => () => ({ value: content });
  const none = new Uint8Array();
  const prepared = await prepare(
    { origin, timestamp, timestampType: 'create', headers, key: key == null ? null : none, value: value === null ? null : none },
    {
      decodeKey: given(key),
      decodeValue: given(value),
      carriesJson: false,
      ready: [],
      transform: definition.transform,
      tombstones,
      epoch: 0,
      believesReplays: () => false,
    },
    { log: silentLog, secret, signal: new AbortController().signal, settings },
  );
  if (prepared === null) return [];
  if ('error' in prepared) throw prepared.error.cause ?? prepared.error;
  return Array.isArray(prepared) ? prepared : [prepared as KafkaRecord];
}
