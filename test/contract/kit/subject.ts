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
import { Silence } from './silence.ts';

/** Tries again for a moment only, so that a fault which stays shows as one. */
const policy = { baseMs: 5, capMs: 40, maxElapsedMs: 150 };
const clock: Clock = {
  now: Date.now,
  random: Math.random,
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};

/** What a check works with: one mode of a sink in front of its target. */
export class Subject {
  readonly mode: Mode;
  readonly target: TargetReader;
  readonly claims: Guarantees;
  readonly limits: Limits;
  /** True when the sink is wrapped as connectors use it: retrying(chunked(sink)). */
  readonly wrapped: boolean;
  readonly silence: Silence;
  readonly startedAt = Date.now();
  readonly #definition: SinkDefinition;
  readonly #opened: Sink[] = [];
  #sink: Promise<Sink> | undefined;
  #offset = 100;

  constructor(definition: SinkDefinition, mode: Mode, target: TargetReader, wrapped: boolean) {
    const config = parseConfig(definition.config, mode.config(target), 'connector.sink');
    this.mode = mode;
    this.target = target;
    this.wrapped = wrapped;
    this.claims = definition.guarantees(config);
    this.limits = definition.limits(config);
    this.silence = new Silence([...Object.values(target.secrets ?? {}), ...(target.sentinels ?? [])]);
    this.#definition = definition;
  }

  /** A record of the next offset unless one is given, produced an hour ago. `n` makes its value differ. */
  record(key: string, n: number, options: RecordOptions = {}): KafkaRecord {
    return this.recordOf(key, this.mode.value?.(key, n) ?? { id: key, n, text: `sentinel text ${n} of ${key}` }, options);
  }

  recordOf(key: string | null, value: unknown, options: RecordOptions = {}): KafkaRecord {
    const offset = options.offset ?? this.#offset++;
    const timestamp = options.timestamp ?? this.startedAt - 3_600_000 + offset;
    const built = key === null ? null : this.mode.key === undefined ? key : this.mode.key(key);
    return buildRecord(built, value, { ...options, offset, timestamp });
  }

  tombstone(key: string, options: RecordOptions = {}): KafkaRecord {
    return this.recordOf(key, null, options);
  }

  /** As a record comes out of a replay: read from the dead letter topic, with the version it failed with. */
  replayed(record: KafkaRecord): KafkaRecord {
    const { bytes: _, ...rest } = record;
    return { ...rest, origin: { topic: `${record.origin.topic}.dlq`, partition: 0, offset: this.#offset++ } };
  }

  /** Opens another sink, with a broken configuration if one is given. All are closed after the check. */
  async open(broken?: BrokenConfig): Promise<Sink> {
    const secrets = broken?.secrets ?? this.target.secrets ?? {};
    for (const secret of Object.values(secrets)) this.silence.add(secret);
    const config = parseConfig(this.#definition.config, broken?.config ?? this.mode.config(this.target), 'connector.sink');
    try {
      const sink = await this.#definition.open(config, {
        connector: 'under-test',
        log: jsonLog((line) => this.silence.hear(line), { level: 'debug', now: Date.now }),
        now: Date.now,
        secret: async (reference) => {
          const found = 'env' in reference ? secrets[reference.env] : undefined;
          if (found === undefined) throw new ConfigError('SECRET_UNAVAILABLE', 'The test knows secrets of { env } only.');
          return found;
        },
      });
      this.#opened.push(sink);
      const { ordered } = this.claims;
      return this.wrapped ? retrying(chunked(sink, this.limits, { ordered }), policy, { clock }) : sink;
    } catch (error) {
      this.silence.hearError(error);
      throw error;
    }
  }

  /** The sink that `write` uses, opened when it is first needed. */
  sink(): Promise<Sink> {
    this.#sink ??= this.open();
    return this.#sink;
  }

  /** Writes through the sink of this check and sees to it that every record got an outcome. A throw counts for all of them. */
  async write(records: readonly KafkaRecord[], signal: AbortSignal = new AbortController().signal): Promise<readonly Outcome[]> {
    let sink: Sink;
    try {
      sink = await this.sink();
    } catch (error) {
      this.#sink = undefined;
      return failAll(records.length, sinkFailure(error));
    }
    return this.writeTo(sink, records, signal);
  }

  async writeTo(
    sink: Sink,
    records: readonly KafkaRecord[],
    signal: AbortSignal = new AbortController().signal,
  ): Promise<readonly Outcome[]> {
    for (const record of records) this.silence.addValue(record.value);
    try {
      const outcomes = await sink.write(records, { signal });
      assert.equal(outcomes.length, records.length, `Expected one outcome per record, got ${outcomes.length} for ${records.length}.`);
      for (const outcome of outcomes) {
        const known = outcome === 'delivered' || outcome === 'ignored' || outcome instanceof ConnectorError;
        assert.ok(known, `Expected 'delivered', 'ignored' or a ConnectorError, got ${String(outcome)}.`);
        this.silence.hearError(outcome);
      }
      return outcomes;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      this.silence.hearError(error);
      return failAll(records.length, sinkFailure(error));
    }
  }

  /** Writes in as many writes as the sink needs: one identity at most once in each when it is bare and not ordered. */
  async writeAll(records: readonly KafkaRecord[], signal?: AbortSignal): Promise<readonly Outcome[]> {
    if (this.wrapped || this.claims.ordered) return this.write(records, signal);
    const sink = await this.sink();
    const outcomes: Outcome[] = [];
    let piece: KafkaRecord[] = [];
    let identities = new Set<string>();
    for (const record of records) {
      const identity = sink.identity?.(record) ?? null;
      if (identity !== null && identities.has(identity)) {
        outcomes.push(...(await this.write(piece, signal)));
        piece = [];
        identities = new Set();
      }
      if (identity !== null) identities.add(identity);
      piece.push(record);
    }
    return [...outcomes, ...(await this.write(piece, signal))];
  }

  /** Writes, and expects each outcome to be as said. */
  async expectOutcomes(records: readonly KafkaRecord[], expected: readonly Kind[], sink?: Sink): Promise<void> {
    const outcomes = sink === undefined ? await this.writeAll(records) : await this.writeTo(sink, records);
    assert.deepEqual(
      outcomes.map(kindOf),
      expected,
      `Expected the outcomes ${expected.join(', ')}, got ${outcomes.map(inWords).join('; ')}`,
    );
  }

  /** Writes records that have to be delivered. */
  deliver(...records: readonly KafkaRecord[]): Promise<void> {
    return this.expectOutcomes(
      records,
      records.map(() => 'delivered'),
    );
  }

  async read(): Promise<readonly Stored[]> {
    if (this.mode.settleMs !== undefined) await sleep(this.mode.settleMs);
    return this.target.read();
  }

  /** One line per stored thing, sorted. */
  async content(): Promise<readonly string[]> {
    return (await this.read()).map(describeStored).toSorted();
  }

  id(record: KafkaRecord): string | undefined {
    if (this.mode.id !== undefined) return this.mode.id(record);
    const { version, part } = record;
    switch (this.mode.identity) {
      case 'key':
        return typeof record.key === 'string' ? record.key : exact(record.key);
      case 'value':
        return String((record.value as { id?: unknown } | null)?.id);
      case 'record':
        return `${version.topic}-${version.partition}-${version.offset}-${part}`;
      case 'none':
        return undefined;
    }
  }

  /** What the reader has to show for a record. */
  line(record: KafkaRecord, shown?: { readonly value: unknown }): string {
    const id = this.id(record);
    const value = shown !== undefined ? shown.value : this.mode.stored === undefined ? record.value : this.mode.stored(record);
    return describeStored(id === undefined ? { value } : { id, value });
  }

  /** Reads the target back and expects these records, and nothing else. */
  async expectContent(records: readonly KafkaRecord[], why: string): Promise<void> {
    const found = await this.content();
    const expected = records.map((record) => this.line(record)).toSorted();
    if (exact(found) !== exact(expected)) assert.deepEqual(found, expected, `${why}:\n${difference(found, expected)}`);
  }

  async close(): Promise<void> {
    for (const sink of this.#opened) await sink.close?.();
  }
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
