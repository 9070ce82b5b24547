import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { chunked } from '../../../lib/core/chunk.ts';
import { parseConfig } from '../../../lib/core/config.ts';
import { ConfigError, ConnectorError } from '../../../lib/core/errors.ts';
import { jsonLog } from '../../../lib/core/log.ts';
import { failAll, sinkFailure } from '../../../lib/core/outcome.ts';
import type { KafkaRecord } from '../../../lib/core/record.ts';
import { type Clock, retrying } from '../../../lib/core/retry.ts';
import type { Guarantees, Limits, Outcome, Sink, SinkDefinition } from '../../../lib/core/sink.ts';
import { record as buildRecord, type RecordOptions } from '../../support/records.ts';
import { exact } from './exact.ts';
import type { BrokenConfig, Mode, Stored, TargetReader } from './mode.ts';
import type { Sightings } from './sightings.ts';
import { type Silence, silence } from './silence.ts';

/** Tries again for a moment only, so that a fault which stays shows as one. */
const policy = { baseMs: 5, capMs: 40, maxElapsedMs: 150 };
const clock: Clock = {
  now: Date.now,
  random: Math.random,
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};

/** What a check works with: one mode of a sink in front of its target. */
export interface Subject {
  readonly mode: Mode;
  readonly target: TargetReader;
  readonly claims: Guarantees;
  readonly limits: Limits;
  /** True when the sink is wrapped as connectors use it: retrying(chunked(sink)). */
  readonly wrapped: boolean;
  readonly silence: Silence;
  /** A record of the next offset unless one is given, produced an hour ago. `n` makes its value differ. */
  record(key: string, n: number, options?: RecordOptions): KafkaRecord;
  recordOf(key: string | null, value: unknown, options?: RecordOptions): KafkaRecord;
  tombstone(key: string, options?: RecordOptions): KafkaRecord;
  /** As a record comes out of a replay: read from the dead letter topic, with the version it failed with. */
  replayed(record: KafkaRecord): KafkaRecord;
  /** Opens another sink, with a broken configuration if one is given. All are closed after the check. */
  open(broken?: BrokenConfig): Promise<Sink>;
  /** The sink that `write` uses, opened when it is first needed. */
  sink(): Promise<Sink>;
  /** Writes through the sink of this check and sees to it that every record got an outcome. A throw counts for all of them. */
  write(records: readonly KafkaRecord[], signal?: AbortSignal): Promise<readonly Outcome[]>;
  writeTo(sink: Sink, records: readonly KafkaRecord[], signal?: AbortSignal): Promise<readonly Outcome[]>;
  /** Writes in as many writes as the sink needs: one identity at most once in each when it is bare and not ordered. */
  writeAll(records: readonly KafkaRecord[], signal?: AbortSignal): Promise<readonly Outcome[]>;
  /** Writes, and expects each outcome to be as said. */
  expectOutcomes(records: readonly KafkaRecord[], expected: readonly Kind[], sink?: Sink): Promise<void>;
  /** Writes records that have to be delivered. */
  deliver(...records: readonly KafkaRecord[]): Promise<void>;
  /** What is in the target, one line per stored thing, sorted. */
  content(): Promise<readonly string[]>;
  id(record: KafkaRecord): string | undefined;
  /** What the reader has to show for a record. */
  line(record: KafkaRecord, shown?: { readonly value: unknown }): string;
  /** Notes what became of records when something went wrong, for the tables in docs. */
  see(fault: string, outcomes: readonly Outcome[]): void;
  /** Reads the target back and expects these records, and nothing else. */
  expectContent(records: readonly KafkaRecord[], why: string): Promise<void>;
  close(): Promise<void>;
}

export function subjectOf(definition: SinkDefinition, mode: Mode, target: TargetReader, wrapped: boolean, sightings?: Sightings): Subject {
  const soundConfig = parseConfig(definition.config, mode.config(target), 'connector.sink');
  const claims = definition.guarantees(soundConfig);
  const limits = definition.limits(soundConfig);
  const heard = silence();
  for (const secret of [...Object.values(target.secrets ?? {}), ...(target.sentinels ?? [])]) heard.addSecret(secret);
  const anHourAgo = Date.now() - 3_600_000;
  const opened: Sink[] = [];
  let current: Promise<Sink> | undefined;
  let nextOffset = 100;

  const subject: Subject = {
    mode,
    target,
    claims,
    limits,
    wrapped,
    silence: heard,

    record(key, n, options) {
      return subject.recordOf(key, mode.value?.(key, n) ?? { id: key, n, text: `sentinel text ${n} of ${key}` }, options);
    },

    recordOf(key, value, options = {}) {
      const offset = options.offset ?? nextOffset++;
      const timestamp = options.timestamp ?? anHourAgo + offset;
      const built = key === null || mode.key === undefined ? key : mode.key(key);
      return buildRecord(built, value, { ...options, offset, timestamp });
    },

    tombstone: (key, options) => subject.recordOf(key, null, options),

    replayed({ bytes: _, ...record }) {
      return { ...record, origin: { topic: `${record.origin.topic}.dlq`, partition: 0, offset: nextOffset++ } };
    },

    async open(broken) {
      const secrets = broken?.secrets ?? target.secrets ?? {};
      for (const secret of Object.values(secrets)) heard.addSecret(secret);
      const config = broken === undefined ? soundConfig : parseConfig(definition.config, broken.config, 'connector.sink');
      try {
        const sink = await definition.open(config, {
          connector: 'under-test',
          log: jsonLog((line) => heard.hear(line), { level: 'debug', now: Date.now }),
          now: Date.now,
          configVersion: 'under-test',
          secret: async (reference) => {
            const found = 'env' in reference ? secrets[reference.env] : undefined;
            if (found === undefined) throw new ConfigError('SECRET_UNAVAILABLE', 'The test knows secrets of { env } only.');
            return found;
          },
        });
        opened.push(sink);
        return wrapped ? retrying(chunked(sink, limits, { ordered: claims.ordered }), policy, { clock }) : sink;
      } catch (error) {
        heard.hearError(error);
        throw error;
      }
    },

    sink() {
      current ??= subject.open();
      return current;
    },

    async write(records, signal) {
      try {
        return await subject.writeTo(await subject.sink(), records, signal);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        current = undefined;
        return failAll(records.length, sinkFailure(error));
      }
    },

    async writeTo(sink, records, signal = new AbortController().signal) {
      for (const record of records) heard.addValue(record.value);
      let outcomes: readonly Outcome[];
      try {
        outcomes = await sink.write(records, { signal });
      } catch (error) {
        heard.hearError(error);
        return failAll(records.length, sinkFailure(error));
      }
      assert.equal(outcomes.length, records.length, `Expected one outcome per record, got ${outcomes.length} for ${records.length}.`);
      for (const outcome of outcomes) {
        const known = outcome === 'delivered' || outcome === 'ignored' || outcome instanceof ConnectorError;
        assert.ok(known, `Expected 'delivered', 'ignored' or a ConnectorError, got ${String(outcome)}.`);
        heard.hearError(outcome);
      }
      return outcomes;
    },

    async writeAll(records, signal) {
      if (wrapped || claims.ordered) return subject.write(records, signal);
      const outcomes: Outcome[] = [];
      for (const piece of pieces(await subject.sink(), records)) outcomes.push(...(await subject.write(piece, signal)));
      return outcomes;
    },

    async expectOutcomes(records, expected, sink) {
      const outcomes = sink === undefined ? await subject.writeAll(records) : await subject.writeTo(sink, records);
      const message = `Expected the outcomes ${expected.join(', ')}, got ${outcomes.map(inWords).join('; ')}`;
      assert.deepEqual(outcomes.map(kindOf), expected, message);
    },

    async deliver(...records) {
      await subject.expectOutcomes(
        records,
        records.map(() => 'delivered'),
      );
    },

    async content() {
      if (mode.settleMs !== undefined) await sleep(mode.settleMs);
      return (await target.read()).map(describeStored).toSorted();
    },

    id(record) {
      if (mode.id !== undefined) return mode.id(record);
      const { key, value, version, part } = record;
      switch (mode.identity) {
        case 'key':
          return typeof key === 'string' ? key : exact(key);
        case 'value':
          return String((value as { id?: unknown } | null)?.id);
        case 'record':
          return `${version.topic}-${version.partition}-${version.offset}-${part}`;
        case 'none':
          return undefined;
      }
    },

    line(record, shown) {
      const id = subject.id(record);
      const value = shown !== undefined ? shown.value : mode.stored === undefined ? record.value : mode.stored(record);
      return describeStored(id === undefined ? { value } : { id, value });
    },

    see: (fault, outcomes) => sightings?.see(fault, outcomes.map(kindOf)),

    async expectContent(records, why) {
      const found = await subject.content();
      const expected = records.map((record) => subject.line(record)).toSorted();
      if (exact(found) !== exact(expected)) assert.deepEqual(found, expected, `${why}:\n${difference(found, expected)}`);
    },

    async close() {
      for (const sink of opened) await sink.close?.();
    },
  };
  return subject;
}

/** Runs in which no identity repeats. */
function pieces(sink: Sink, records: readonly KafkaRecord[]): readonly (readonly KafkaRecord[])[] {
  const all: KafkaRecord[][] = [];
  let piece: KafkaRecord[] = [];
  let identities = new Set<string>();
  for (const record of records) {
    const identity = sink.identity?.(record) ?? null;
    if (piece.length === 0 || (identity !== null && identities.has(identity))) {
      piece = [];
      identities = new Set();
      all.push(piece);
    }
    if (identity !== null) identities.add(identity);
    piece.push(record);
  }
  return all.length === 0 ? [[]] : all;
}

export type Kind = 'delivered' | 'ignored' | 'retriable' | 'data' | 'config';

export function kindOf(outcome: Outcome): Kind {
  return outcome instanceof ConnectorError ? outcome.class : outcome;
}

/** The outcome with its code and causes, for the message of a failing check. */
export function inWords(outcome: Outcome): string {
  if (!(outcome instanceof ConnectorError)) return outcome;
  const cause = outcome.cause instanceof Error ? ` (because ${outcome.cause.message})` : '';
  return `${outcome.name} ${outcome.code} ${outcome.message}${cause}`;
}

function describeStored({ id, value }: Stored): string {
  return id === undefined ? exact(value) : `${id} = ${exact(value)}`;
}

function difference(found: readonly string[], expected: readonly string[]): string {
  const rest = [...found];
  const missing = expected.filter((line) => {
    const index = rest.indexOf(line);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
  const shorten = (sign: string) => (line: string) => `${sign} ${line.length > 300 ? `${line.slice(0, 300)}…` : line}`;
  return [...missing.slice(0, 10).map(shorten('-')), ...rest.slice(0, 10).map(shorten('+'))].join('\n');
}
