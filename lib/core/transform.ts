import type { Static, TObject } from 'typebox';
import type { Log } from './log.ts';
import type { KafkaRecord } from './record.ts';
import type { ReadSecret } from './secret.ts';

export type Awaitable<T> = T | Promise<T>;

export interface TransformContext {
  readonly log: Log;
  /** Aborts when the time for transforming and writing is over. */
  readonly signal: AbortSignal;
  readonly secret: ReadSecret;
  /** `connector.settings` of serverless.yml, for the function's own use. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A record whose value is known to be there: tombstones pass transforms by unless the connector says `tombstones: transform`. */
export type TransformInput<Value = unknown> = KafkaRecord<Value> & { readonly value: Value };

/** Null or [] drops the record, a record replaces it, an array fans it out; undefined is a mistake. */
export type Transform<In = unknown, Out = unknown> = (
  record: TransformInput<In>,
  context: TransformContext,
) => Awaitable<KafkaRecord<Out> | readonly KafkaRecord<Out>[] | null>;

/** A ready-made transform: synchronous, pure, one record in and at most one out. */
export type ReadyTransform = (record: KafkaRecord) => KafkaRecord | null;

export interface TransformDefinition<Config extends TObject = TObject> {
  readonly name: string;
  readonly summary: string;
  readonly config: Config;
  create(config: Static<Config>): ReadyTransform;
}

/** Declares a ready-made transform: the types of its options follow from `config`. */
export function defineTransform<Config extends TObject>(definition: TransformDefinition<Config>): TransformDefinition<Config> {
  return definition;
}
