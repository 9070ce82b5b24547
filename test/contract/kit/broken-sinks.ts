import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, DataError, RetriableError } from '../../../lib/core/errors.ts';
import { isObject } from '../../../lib/core/field.ts';
import type { KafkaRecord } from '../../../lib/core/record.ts';
import type { Guarantees, OpenContext, Outcome, Sink, SinkDefinition, WriteOptions } from '../../../lib/core/sink.ts';
import type { memoryStore } from '../../../lib/sinks/memory.ts';
import type { modes } from './memory-modes.ts';
import type { Network } from './networked.ts';

export interface BrokenSink {
  readonly name: string;
  readonly mode: keyof typeof modes;
  /** Overrides the mode's claims. */
  readonly claims?: Partial<Guarantees>;
  /** Overrides the options of the memory sink. */
  readonly options?: object;
  readonly changes?: Partial<(typeof modes)['guarded']>;
  breaks?(sink: Sink, tools: Tools): Sink;
  /** The checks that catch it. */
  readonly caughtBy: readonly string[];
}

interface Tools {
  readonly context: OpenContext;
  readonly network: Network;
  readonly store: ReturnType<typeof memoryStore>;
  readonly definition: SinkDefinition;
}

type Write = (records: readonly KafkaRecord[], options: WriteOptions) => Promise<readonly Outcome[]>;

/** A sink that writes otherwise. */
const writing =
  (make: (write: Write, tools: Tools) => Write) =>
  (sink: Sink, tools: Tools): Sink => ({ ...sink, write: make(sink.write, tools) });
/** A sink that writes other records than it was given. */
const changing = (change: (record: KafkaRecord) => KafkaRecord) =>
  writing((write) => (records, options) => write(records.map(change), options));
/** A sink that answers something else. */
const answering = (change: (outcome: Outcome, record: KafkaRecord) => Outcome) =>
  writing((write) => async (records, options) => {
    const outcomes = await write(records, options);
    return records.map((record, index) => change(outcomes[index] ?? 'ignored', record));
  });
const isGuardAhead = (outcome: Outcome) => outcome instanceof ConfigError && outcome.code === 'GUARD_AHEAD';

const once = 'answers once for each record, and what it calls delivered can be read back';
const odd = 'holds each of the odd values as it was sent, decoded and as bytes';
const twice = 'the same record twice leaves as many copies as claimed';
const tombstone = 'a tombstone deletes if that is claimed, and nothing else does';
const older = 'an older record after a newer one, and after a delete, does what is claimed';
const refused = 'a record that the target refuses fails with a DataError, and its neighbours as claimed';
const allRefused = 'a batch of nothing but refused records fails record by record';
const replayed = 'a dead letter replayed after newer data is ignored, and delivered where there is none';
const unreachable = 'a target that refuses connections is retriable, and the same sink goes on when it is back';
const breaking = 'a connection that breaks during a write is retriable, and nothing unwritten counts as delivered';
const hanging = 'a target that hangs is let go when the signal aborts, and nothing stays in flight';
const aborted = 'a write whose signal has aborted answers at once and writes nothing';
const random = 'random batches with random faults end in what the records say';
const newerEpoch = 'a higher epoch is newer wherever it comes from, and a replay from a lower one is ignored';
const recreated = 'a topic that was created again is a GUARD_AHEAD, and other keys go on';
const newest = 'keeps the newest of one write, whatever their order';

export const brokenSinks: readonly BrokenSink[] = [
  {
    name: 'forgets an outcome',
    mode: 'guarded',
    breaks: writing((write) => async (records, options) => (await write(records, options)).slice(1)),
    caughtBy: [once, twice],
  },
  {
    name: 'answers undefined',
    mode: 'guarded',
    breaks: writing((write) => async (records, options) => (await write(records, options)).map(() => undefined as unknown as Outcome)),
    caughtBy: [once],
  },
  {
    name: 'loses the last record of a batch',
    mode: 'append',
    breaks: writing((write) => async (records, options) => {
      const outcomes = await write(records.length > 1 ? records.slice(0, -1) : records, options);
      return records.map((_, index) => outcomes[index] ?? 'delivered');
    }),
    caughtBy: [once, 'takes as many records as its limits say', 'all parts of a fan-out arrive', random],
  },
  {
    name: 'mixes up writes that overlap',
    mode: 'append',
    breaks: writing((write) => {
      let buffer: readonly KafkaRecord[] = [];
      return async (records, options) => {
        buffer = records;
        await sleep(2);
        return write(buffer, options);
      };
    }),
    caughtBy: ['writes of several partitions at the same time all arrive'],
  },
  {
    name: 'looks whether a record is there before it appends',
    mode: 'append',
    claims: { idempotent: true },
    breaks: writing((write, { store }) => async (records, options) => {
      const there = new Set(store.copies.map(({ origin }) => origin));
      await sleep(2);
      const missing = records.filter(({ origin }) => !there.has(origin));
      await write(missing, options);
      return records.map(() => 'delivered');
    }),
    caughtBy: ['two sinks that write the same records at the same time leave one copy of each'],
  },
  {
    name: 'has no identity for a record without a key',
    mode: 'guarded',
    breaks: (sink) => ({ ...sink, identity: ({ key }) => (key as string).toString() }),
    caughtBy: ['names an identity, or none, for every record, also for one that will be refused'],
  },
  {
    name: 'invents an answer for an empty write',
    mode: 'append',
    breaks: writing((write) => (records, options) => (records.length === 0 ? Promise.resolve(['delivered']) : write(records, options))),
    caughtBy: ['answers nothing for nothing'],
  },
  {
    name: 'takes only a hundred records although its limits say more',
    mode: 'append',
    breaks: writing((write) => (records, options) => {
      if (records.length > 100) throw new RetriableError('SINK_TOO_MANY', 'Too many records');
      return write(records, options);
    }),
    caughtBy: ['takes as many records as its limits say'],
  },
  {
    name: 'replaces what earlier writes left',
    mode: 'append',
    breaks: writing((write, { store }) => (records, options) => {
      store.copies.length = 0;
      return write(records, options);
    }),
    caughtBy: ['writes the second batch after the first', twice],
  },
  {
    name: 'empties the target when it opens',
    mode: 'guarded',
    breaks(sink, { store }) {
      store.rows.clear();
      return sink;
    },
    caughtBy: ['a second sink on the same target continues where the first one stopped'],
  },
  {
    name: 'writes what its target does not allow',
    mode: 'guarded',
    breaks: changing(({ target: _, ...record }) => record),
    caughtBy: ['a target that a record chose outside of the allow-list is refused, and its neighbours go on'],
  },
  {
    name: 'delivers what cannot be delivered',
    mode: 'guarded',
    breaks: changing((record) => ({ ...record, key: record.key ?? 'none' })),
    caughtBy: [refused, allRefused, 'a record without a key is stored or refused, as the mode says'],
  },
  {
    name: 'calls a refused record delivered',
    mode: 'guarded',
    breaks: answering((outcome) => (outcome instanceof DataError ? 'delivered' : outcome)),
    caughtBy: [refused, 'a refused record in front of one of its identity leaves its predecessor'],
  },
  {
    name: 'fails the whole batch for one refused record, although partial is claimed',
    mode: 'guarded',
    breaks: writing((write) => async (records, options) => {
      const bad = records.some(({ key }) => key === null);
      return bad ? records.map(() => new DataError('SINK_REJECTED', 'Something in the batch is wrong')) : write(records, options);
    }),
    caughtBy: [refused],
  },
  { name: 'claims less than partial', mode: 'guarded', claims: { partial: false }, caughtBy: [refused] },

  {
    name: 'appends and claims to be idempotent',
    mode: 'append',
    claims: { idempotent: true },
    caughtBy: [twice, 'a batch that is redelivered whole leaves what was there', 'all parts of a fan-out arrive'],
  },
  { name: 'claims less than idempotent', mode: 'unguarded', claims: { idempotent: false }, caughtBy: [twice] },
  { name: 'claims less than deletes', mode: 'unguarded', claims: { deletes: false }, caughtBy: [tombstone] },
  { name: 'claims less than ordered', mode: 'guarded', claims: { ordered: false }, caughtBy: [older] },
  {
    name: 'claims deletes and ignores tombstones',
    mode: 'ignoring',
    claims: { deletes: true },
    caughtBy: [tombstone, 'deletes what was never there, and what comes after a delete is there again'],
  },
  {
    name: 'fails a tombstone that comes twice',
    mode: 'hard',
    breaks: writing((write, { store }) => async (records, options) => {
      const gone = records.map(({ key, value }) => value === null && !store.rows.has(String(key)));
      const outcomes = await write(records, options);
      return outcomes.map((outcome, index) => (gone[index] === true ? new DataError('SINK_NOT_FOUND', 'Nothing to delete') : outcome));
    }),
    caughtBy: [tombstone, 'deletes what was never there, and what comes after a delete is there again'],
  },
  {
    name: 'takes ids from the origin',
    mode: 'byRecord',
    breaks: changing((record) => ({ ...record, version: { ...record.origin, epoch: record.version.epoch } })),
    caughtBy: ['the same version read from the dead letter topic is the same record'],
  },
  {
    name: 'takes ids from the origin, and leaves out the epoch',
    mode: 'byRecord',
    breaks: changing((record) => ({ ...record, version: { ...record.version, epoch: 0 } })),
    caughtBy: ['the same offset of a topic that was created again is another record'],
  },
  {
    name: 'leaves the part out of its ids',
    mode: 'byRecord',
    breaks: changing((record) => ({ ...record, part: 0 })),
    caughtBy: ['all parts of a fan-out arrive'],
  },
  {
    name: 'gives every record the same identity',
    mode: 'byRecord',
    breaks: (sink) => ({ ...sink, identity: () => 'one' }),
    caughtBy: ['each record is a thing of its own, and sink.identity says so'],
  },

  {
    name: 'overwrites newer data',
    mode: 'unguarded',
    claims: { ordered: true },
    changes: { guard: 'version' },
    caughtBy: [
      older,
      'answers ignored for an older record, and keeps the newer one',
      newest,
      'of the parts of one fan-out with one key the last is newest',
      'an old tombstone does not delete what is newer',
      replayed,
      recreated,
      newerEpoch,
    ],
  },
  {
    name: 'calls an older record delivered',
    mode: 'guarded',
    breaks: answering((outcome) => (outcome === 'ignored' ? 'delivered' : outcome)),
    caughtBy: ['answers ignored for an older record, and keeps the newer one', older],
  },
  {
    name: 'forgets the version of what it deletes',
    mode: 'hard',
    claims: { ordered: true },
    changes: { guard: 'version' },
    caughtBy: [older],
  },
  {
    name: 'forgets a delete when there was nothing to delete',
    mode: 'guarded',
    breaks: writing((write, { store }) => async (records, options) => {
      const unseen = records.filter(({ key, value }) => value === null && !store.rows.has(String(key)));
      const outcomes = await write(records, options);
      for (const { key } of unseen) if (store.rows.get(String(key))?.deleted === true) store.rows.delete(String(key));
      return outcomes;
    }),
    caughtBy: [older],
  },
  {
    name: 'guards by the origin, so that a replay wins or fails',
    mode: 'guarded',
    breaks: changing((record) => ({ ...record, version: { ...record.origin, epoch: record.version.epoch } })),
    caughtBy: [replayed],
  },
  {
    name: 'guards by the origin, and takes the epoch for nothing',
    mode: 'guarded',
    breaks: changing((record) => ({ ...record, version: { ...record.version, epoch: 0 } })),
    caughtBy: [newerEpoch],
  },
  {
    name: 'ignores what it cannot compare',
    mode: 'guarded',
    breaks: answering((outcome) => (isGuardAhead(outcome) ? 'ignored' : outcome)),
    caughtBy: [recreated, 'another partition, or another topic, in the same epoch is a GUARD_AHEAD'],
  },
  {
    name: 'compares the timestamps of producers',
    mode: 'guarded',
    breaks: writing((write, { store }) => async (records, options) => {
      const ahead = records.map(({ key, timestamp }) => timestamp > (store.rows.get(String(key))?.record.timestamp ?? Infinity));
      const outcomes = await write(records, options);
      return outcomes.map((outcome, index) =>
        outcome === 'ignored' && ahead[index] === true ? new ConfigError('GUARD_AHEAD', 'Raise connector.epoch') : outcome,
      );
    }),
    caughtBy: ['redelivery is ordinary when the clocks of producers run backwards'],
  },
  {
    name: 'lets the last record of a write win, whatever its version',
    mode: 'guarded',
    breaks: writing((write, { store }) => async (records, options) => {
      const outcomes = await write(records, options);
      const last = records.at(-1);
      const row = last && store.rows.get(String(last.key));
      if (row && last.key !== null && records.length > 1) store.rows.set(String(last.key), { ...row, record: last });
      return outcomes;
    }),
    caughtBy: [newest],
  },
  {
    name: 'guards by the version where a field was asked for',
    mode: 'byField',
    options: { guard: 'version' },
    caughtBy: ['a higher guard field is newer whatever its offset, and a tie goes to the higher version'],
  },
  {
    name: 'forgets the guard field of what a tombstone deletes',
    mode: 'byField',
    breaks: writing((write, { store }) => async (records, options) => {
      const outcomes = await write(records, options);
      for (const [id, row] of store.rows) if (row.deleted) store.rows.set(id, { ...row, guard: undefined });
      return outcomes;
    }),
    caughtBy: ['a tombstone keeps the guard field of what it deletes'],
  },

  {
    name: 'mangles values',
    mode: 'append',
    breaks: changing((record) => (record.value === null ? record : { ...record, value: { mangled: true } })),
    caughtBy: [once, odd],
  },
  {
    name: 'stores what it should refuse',
    mode: 'append',
    changes: { sample: ({ name, value }) => ({ value, refused: name === 'a NUL character' }) },
    caughtBy: ['refuses the odd values that it cannot hold, each with a DataError'],
  },
  {
    name: 'rounds large integers',
    mode: 'append',
    breaks: changing((record) => ({ ...record, value: rounded(record.value) })),
    caughtBy: [odd],
  },
  {
    name: 'assigns field by field, which loses __proto__',
    mode: 'append',
    breaks: changing((record) => {
      if (!isObject(record.value)) return record;
      const copy: Record<string, unknown> = {};
      for (const [field, value] of Object.entries(record.value)) copy[field] = value;
      return { ...record, value: copy };
    }),
    caughtBy: [odd],
  },
  {
    name: 'sends the bytes of an earlier record of the key',
    mode: 'guarded',
    breaks: writing((write) => {
      const bytesOf = new Map<unknown, Uint8Array>();
      return (records, options) => {
        for (const { key, bytes } of records) if (bytes !== undefined) bytesOf.set(key, bytes);
        const old = ({ key }: KafkaRecord) => bytesOf.get(key) ?? bytesOf.values().next().value;
        return write(
          records.map((record) => {
            const bytes = old(record);
            return bytes === undefined ? record : { ...record, value: JSON.parse(Buffer.from(bytes).toString()) };
          }),
          options,
        );
      };
    }),
    caughtBy: ['what a transform made of a record is stored, never the bytes it came from'],
  },
  {
    name: 'keeps the first record of an identity in a write',
    mode: 'guarded',
    breaks: writing((write) => async (records, options) => {
      const firsts = records.filter(({ key }, index) => key === null || records.findIndex((other) => other.key === key) === index);
      const outcomes = await write(firsts, options);
      return records.map((record) => outcomes[firsts.findIndex(({ key }) => key === record.key)] ?? 'delivered');
    }),
    caughtBy: ['several records of one identity in one write leave what they leave one by one', newest],
  },
  {
    name: 'deletes after everything else of a write',
    mode: 'guarded',
    breaks: writing((write, { store }) => async (records, options) => {
      const outcomes = await write(records, options);
      for (const { key, value } of records) {
        const row = store.rows.get(String(key));
        if (value === null && row !== undefined) store.rows.set(String(key), { ...row, deleted: true });
      }
      return outcomes;
    }),
    caughtBy: ['a record, its tombstone and a new record in one write leave the new record'],
  },
  {
    name: 'folds the case of keys',
    mode: 'guarded',
    breaks: changing((record) => ({ ...record, key: typeof record.key === 'string' ? record.key.toLowerCase() : record.key })),
    caughtBy: ['records with one identity are one thing, and with different identities different things'],
  },
  {
    name: 'makes identities of the offset where the key is meant',
    mode: 'guarded',
    breaks: (sink) => ({ ...sink, identity: ({ origin }) => String(origin.offset) }),
    caughtBy: ['records with one identity are one thing, and with different identities different things'],
  },
  {
    name: 'accepts values of any size',
    mode: 'guarded',
    breaks: writing((write, { store }) => async (records, options) => {
      const outcomes = await write(records, options);
      return outcomes.map((outcome, index) => {
        const record = records[index];
        if (!(outcome instanceof DataError) || outcome.code !== 'SINK_TOO_LARGE' || record === undefined) return outcome;
        store.rows.set(String(record.key), { record, deleted: false, writtenAt: 0 });
        return 'delivered';
      });
    }),
    caughtBy: ['a value of the largest size is delivered, and a larger one is refused alone'],
  },
  {
    name: 'replaces where it should merge',
    mode: 'unguarded',
    changes: {
      partialUpdates: (id) => ({ first: { id, a: 1 }, second: { id, b: 2 }, merged: { id, a: 1, b: 2 } }),
    },
    caughtBy: ['partial updates are merged, in one write and in several'],
  },

  {
    name: 'blames the record for an outage',
    mode: 'guarded',
    breaks: throwing((error) => (error instanceof RetriableError ? new DataError(error.code, error.message) : error)),
    caughtBy: [unreachable, breaking, hanging, aborted, random],
  },
  {
    name: 'takes an outage for a matter of configuration',
    mode: 'guarded',
    breaks: throwing((error) => (error instanceof RetriableError ? new ConfigError(error.code, error.message) : error)),
    caughtBy: [
      unreachable,
      'opening while the target refuses connections is retriable',
      breaking,
      hanging,
      aborted,
      'other faults are of the class that the target calls for, and pass',
      random,
    ],
  },
  {
    name: 'calls an outage delivered',
    mode: 'guarded',
    breaks: writing((write) => (records, options) => write(records, options).catch(() => records.map(() => 'delivered'))),
    caughtBy: [unreachable, breaking, hanging, aborted],
  },
  {
    name: 'never recovers',
    mode: 'append',
    breaks: writing((write) => {
      let failure: unknown;
      return async (records, options) => {
        if (failure !== undefined) throw failure;
        return write(records, options).catch((error: unknown) => {
          failure = error;
          throw error;
        });
      };
    }),
    caughtBy: [unreachable, hanging, aborted, 'other faults are of the class that the target calls for, and pass'],
  },
  {
    name: 'does not listen to the signal',
    mode: 'guarded',
    breaks: writing((write) => (records) => write(records, { signal: new AbortController().signal })),
    caughtBy: [hanging, aborted],
  },
  {
    name: 'goes on writing after the signal',
    mode: 'append',
    breaks: writing((write, { network }) => (records, options) => {
      const { signal } = new AbortController();
      return write(records, options).catch(async (error: unknown) => {
        void untilPassing(network).then(() => write(records, { signal }));
        throw error;
      });
    }),
    caughtBy: [hanging],
  },
  {
    name: 'calls what an abort cut short delivered',
    mode: 'append',
    breaks: writing((write) => async (records, options) => {
      await sleep(5);
      return options.signal.aborted ? records.map(() => 'delivered') : write(records, options);
    }),
    caughtBy: ['a write that is aborted halfway tells the truth, and the sink is usable afterwards'],
  },
  {
    name: 'takes wrong credentials for an outage, and a missing place too',
    mode: 'guarded',
    breaks: throwing((error) => (error instanceof ConfigError ? new RetriableError(error.code, error.message) : error)),
    caughtBy: ['wrong credentials are a ConfigError that says so', 'a target that does not exist is a ConfigError'],
  },
  {
    name: 'does not say that it was the credentials',
    mode: 'guarded',
    breaks: throwing((error) => (error instanceof ConfigError ? new ConfigError(error.code, error.message) : error)),
    caughtBy: ['wrong credentials are a ConfigError that says so'],
  },
  {
    name: 'probes by writing',
    mode: 'append',
    breaks: (sink, { store }) => ({
      ...sink,
      async probe() {
        store.copies.push({ value: 'probe' } as KafkaRecord);
      },
    }),
    caughtBy: ['a probe passes where writing works', 'opening while the target refuses connections is retriable'],
  },

  {
    name: 'repeats a value in a message',
    mode: 'guarded',
    breaks: answering((outcome, { value }) =>
      outcome instanceof DataError ? new DataError(outcome.code, JSON.stringify(value)) : outcome,
    ),
    caughtBy: [refused, allRefused],
  },
  {
    name: 'keeps a cause that repeats a value',
    mode: 'guarded',
    breaks: answering((outcome, { value }) => {
      const cause = new Error('refused', { cause: new AggregateError([new Error(`bad value ${JSON.stringify(value)}`)]) });
      return outcome instanceof DataError ? new DataError(outcome.code, outcome.message, { cause }) : outcome;
    }),
    caughtBy: [refused],
  },
  {
    name: 'logs values',
    mode: 'guarded',
    breaks: writing((write, { context }) => (records, options) => {
      context.log.debug('writing', { first: JSON.stringify(records[0]?.value) });
      return write(records, options);
    }),
    caughtBy: [once],
  },
  {
    name: 'logs the password',
    mode: 'guarded',
    breaks(sink, { context }) {
      void context.secret({ env: 'PASSWORD' }).then((secret) => context.log.info(`connecting with ${secret}`));
      return sink;
    },
    caughtBy: [once],
  },
];

function throwing(change: (error: unknown) => unknown) {
  return writing(
    (write) => (records, options) =>
      write(records, options).catch((error: unknown) => {
        throw change(error);
      }),
  );
}

function rounded(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, typeof field === 'bigint' ? Number(field) : field]));
}

async function untilPassing(network: Network): Promise<void> {
  while (network.state !== 'pass') await sleep(5);
  await sleep(100);
}
