import type { Static, TObject } from 'typebox';
import type { Origin, RecordSchema } from './record.ts';

export interface Decoded {
  readonly value: unknown;
  readonly schema?: RecordSchema;
  /** True when the decoded value is not what the bytes say, e.g. an envelope was removed: the bytes are then not passed on. */
  readonly unwrapped?: boolean;
}

/** Bytes to a value. Throws a DataError without repeating the bytes; null bytes (tombstones, absent keys) never reach it. */
export type Decode = (bytes: Uint8Array, origin: Origin) => Decoded | Promise<Decoded>;

export interface FormatDefinition<Config extends TObject = TObject> {
  readonly name: string;
  readonly summary: string;
  readonly config: Config;
  /** True when the bytes of a value are one JSON value, which sinks that carry JSON may pass on unchanged. */
  readonly carriesJson: boolean;
  /** True when the decoder is synchronous and keeps nothing of the bytes, so that their memory may be used again at once. */
  readonly borrows?: boolean;
  decoder(config: Static<Config>): Decode;
  /** A value to bytes, for sinks that carry bytes. Throws a DataError. */
  encode?(value: unknown): Uint8Array;
}

/** Declares a format: the types of its options follow from `config`. */
export function defineFormat<Config extends TObject>(definition: FormatDefinition<Config>): FormatDefinition<Config> {
  return definition;
}
