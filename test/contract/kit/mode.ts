import type { KafkaRecord } from '../../../lib/core/record.ts';
import type { SinkDefinition } from '../../../lib/core/sink.ts';
import type { Sample } from './samples.ts';

/** One thing as it is in the target now. What was deleted, softly or not, is not listed. */
export interface Stored {
  /** What tells it from the others, as `Mode.id` names it; left out where there is no such thing. */
  readonly id?: string;
  readonly value: unknown;
}

/** The real target, seen with another client than the sink's. */
export interface TargetReader {
  /** Everything that is there, in any order; an append target lists every copy. */
  read(): Promise<readonly Stored[]>;
  /** Empties the target, before each check. */
  reset(): Promise<void>;
  close?(): Promise<void>;
  /** By the name that `{ env: NAME }` of a configuration refers to. No value may ever appear in a message or log line. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Further texts that must not appear, e.g. the password inside of a connection string. */
  readonly sentinels?: readonly string[];
  readonly faults?: Faults;
}

/** Switches on what is between the sink and the target; each lasts until `pass`. */
export interface Faults {
  pass(): void | Promise<void>;
  /** Connections are refused, and open ones are gone. */
  refuse?(): void | Promise<void>;
  /** Connections are accepted and nothing answers. */
  hang?(): void | Promise<void>;
  /** Open connections break; new ones are served. */
  cut?(): void | Promise<void>;
  /** Any other, e.g. answers with 429 or 503. */
  readonly others?: Readonly<Record<string, { start(): void | Promise<void>; readonly expected: 'retriable' | 'data' | 'config' }>>;
}

/** A configuration that cannot work, with the secrets it refers to. */
export interface BrokenConfig {
  readonly config: object;
  readonly secrets?: Readonly<Record<string, string>>;
}

/** How one mode of a sink is put to the test. Everything optional has a default that suits a target of JSON documents. */
export interface Mode<Target extends TargetReader = TargetReader> {
  readonly name: string;
  /** As in serverless.yml, unchecked. */
  config(target: Target): object;
  /** What makes two records the same thing: their key, fields of their value, their place in Kafka, or nothing. */
  readonly identity: 'key' | 'value' | 'record' | 'none';
  /** What decides which is newer. Required where `ordered` is claimed. */
  readonly guard?: 'version' | { readonly field: string };
  /** `Stored.id` for a record. Default: the key's text, the value's `id`, or `topic-partition-offset-part`. */
  id?(record: KafkaRecord): string;
  /** The Kafka key for a plain text. Default: that text. */
  key?(text: string): unknown;
  /** A whole value that this target holds. Default: `{ id, n, text }`. It must differ for another `n`. */
  value?(key: string, n: number): unknown;
  /** How the reader shows the value of a record. Default: the value. */
  stored?(record: KafkaRecord): unknown;
  /** How a sample fits into this target. Default: as it is, and it must come back as it is. */
  sample?(sample: Sample, key: string): SampleCase;
  /** Keys that must each be a thing of their own. Default: look-alikes, odd characters, a long one. */
  readonly keys?: readonly string[];
  /** Default: refused where the identity is the key, stored elsewhere. */
  readonly nullKey?: 'stored' | 'refused';
  /** What a tombstone does where `deletes` is not claimed. Default: ignored. */
  readonly tombstone?: 'ignored' | 'stored' | 'refused';
  /** The same record, made such that the target itself refuses it; or why there is none. */
  readonly poison: ((record: KafkaRecord) => KafkaRecord) | { readonly none: string };
  /** Values of exactly the largest size, and one larger. */
  readonly size?: { at(key: string): unknown; over(key: string): unknown };
  /** For modes that leave absent fields alone: two updates and what they come to. */
  readonly partialUpdates?: (key: string) => { readonly first: unknown; readonly second: unknown; readonly merged: unknown };
  /** How long the target remembers a deleted version, when that is less than for ever. */
  readonly forgetAfterMs?: number;
  /** The configuration with wrong credentials. */
  unauthorized?(target: Target): BrokenConfig;
  /** The configuration with a table, index or topic that does not exist. */
  missing?(target: Target): BrokenConfig;
  /** Why the target does better than the sink claims, by claim. */
  readonly mayExceed?: { readonly idempotent?: string; readonly ordered?: string; readonly deletes?: string; readonly partial?: string };
  /** Which mode is tried with faults, limits and odd values for this one too, as what is sent and how failures are read is the same there. */
  readonly sharesWith?: string;
  /** Checks that make no sense here, by name, with the reason. */
  readonly without?: Readonly<Record<string, string>>;
  /** Milliseconds after which a write counts as visible, for targets that need a moment. */
  readonly settleMs?: number;
}

export interface SampleCase {
  readonly value: unknown;
  /** What the reader then shows. Default: the value. */
  readonly stored?: unknown;
  /** True when the target cannot hold it: a DataError then. */
  readonly refused?: boolean;
  /** Why there is nothing to try. */
  readonly skip?: string;
}

export interface SinkUnderTest<Target extends TargetReader = TargetReader> {
  readonly definition: SinkDefinition;
  /** What the table of faults calls it. Default: the sink's name; targets that share a sink need names of their own. */
  readonly title?: string;
  readonly modes: readonly Mode<Target>[];
  /** Opens the way to the real target. */
  target(mode: Mode<Target>): Promise<Target>;
}
