import assert from 'node:assert/strict';
import { errorName } from '../../../lib/core/errors.ts';
import type { KafkaRecord } from '../../../lib/core/record.ts';
import { type Check, NothingToTry } from './check.ts';
import { brief } from './exact.ts';
import type { SampleCase } from './mode.ts';
import { type Sample, samples } from './samples.ts';
import { inWords, kindOf, type Subject } from './subject.ts';

const oddKeys = [
  '1',
  '01',
  'a',
  'A',
  'a ',
  'a/b',
  'a,b',
  '"a"',
  "it's",
  '{"id":1}',
  'é',
  'e\u0301',
  '__proto__',
  '_x',
  'null',
  'k'.repeat(200),
];

/** Records that have broken somebody's connector. */
export const recordChecks: readonly Check[] = [
  {
    name: 'holds each of the odd values as it was sent, decoded and as bytes',
    shared: true,
    async run(subject) {
      const held = samples.flatMap((sample) => fitted(subject, sample)).filter(({ refused }) => !refused);
      await subject.deliver(...held.map(({ record }) => record));
      const found = new Set(await subject.content());
      const lost = held.filter(({ line }) => !found.has(line));
      const message = `Expected these values as they were sent: ${lost.map(({ name, line }) => `${name}\n- ${brief(line)}`).join('\n')}\nfound`;
      assert.equal(lost.length, 0, `${message}\n${[...found].map((line) => `+ ${brief(line)}`).join('\n')}`);
      assert.equal(found.size, new Set(held.map(({ line }) => line)).size, 'Expected nothing else');
    },
  },
  {
    name: 'refuses the odd values that it cannot hold, each with a DataError',
    shared: true,
    async run(subject) {
      const refused = samples.flatMap((sample) => fitted(subject, sample)).filter(({ refused }) => refused);
      if (refused.length === 0) throw new NothingToTry('the target holds them all');
      for (const { name, record } of refused) {
        const outcomes = await subject.write([record]);
        assert.deepEqual(outcomes.map(kindOf), ['data'], `Expected a DataError for ${name}, got ${outcomes.map(inWords).join()}`);
      }
      await subject.expectContent([], 'Expected nothing of what was refused');
    },
  },
  {
    name: 'several records of one identity in one write leave what they leave one by one',
    applies: ({ identity }) => identity === 'key' || identity === 'value',
    async run(subject) {
      const records = [subject.record('a', 1), subject.record('b', 2), subject.record('a', 3), subject.record('a', 4)];
      const last = [records[1], records[3]].filter((record) => record !== undefined);
      const outcomes = await subject.writeAll(records);
      for (const outcome of outcomes)
        assert.ok(['delivered', 'ignored'].includes(kindOf(outcome)), `Expected no error, got ${inWords(outcome)}`);
      await subject.expectContent(last, 'Expected the last record of each identity');
    },
  },
  {
    name: 'a record, its tombstone and a new record in one write leave the new record',
    async run(subject) {
      if (!subject.claims.deletes) throw new NothingToTry('deletes is not claimed');
      const [old, again, gone] = [subject.record('a', 1), subject.record('b', 2), subject.record('c', 3)];
      const back = [subject.tombstone('a'), subject.record('a', 4), subject.tombstone('c')] as const;
      await subject.deliver(old, again, gone, ...back);
      await subject.expectContent([back[1], again], 'Expected what the records leave one by one');
    },
  },
  {
    name: 'a record without a key is stored or refused, as the mode says',
    async run(subject) {
      const { identity, nullKey = identity === 'key' ? 'refused' : 'stored' } = subject.mode;
      const [good, keyless] = [subject.record('a', 1), { ...subject.record('b', 2), key: null }];
      const outcomes = await subject.write([good, keyless]);
      const expected = nullKey === 'stored' ? 'delivered' : 'data';
      assert.equal(kindOf(outcomes[1] ?? 'ignored'), expected, `Expected it to be ${nullKey}, got ${outcomes.map(inWords).join('; ')}`);
      if (nullKey === 'stored') await subject.expectContent([good, keyless], 'Expected both records');
      else if (subject.claims.partial || subject.wrapped) await subject.expectContent([good], 'Expected only the record with a key');
    },
  },
  {
    name: 'records with one identity are one thing, and with different identities different things',
    applies: ({ identity }) => identity === 'key' || identity === 'value',
    async run(subject) {
      const keys = subject.mode.keys ?? oddKeys;
      const records = keys.map((key, n) => subject.record(key, n));
      const sink = await subject.sink();
      const identities = new Set(records.map((record) => sink.identity?.(record)));
      assert.equal(identities.size, keys.length, 'Expected sink.identity to tell the keys apart');
      await subject.deliver(...records);
      await subject.expectContent(records, 'Expected one thing per key');
      const again = keys.map((key, n) => subject.record(key, n + 1_000));
      for (const [index, record] of again.entries()) {
        const before = records[index];
        assert.equal(sink.identity?.(record), before && sink.identity?.(before), 'Expected one identity for two records of one key');
      }
      await subject.deliver(...again);
      await subject.expectContent(again, 'Expected the second record of each key in place of the first');
    },
  },
  {
    name: 'names an identity, or none, for every record, also for one that will be refused',
    async run(subject) {
      const good = subject.record('a', 1);
      const { poison } = subject.mode;
      const records = [good, { ...good, key: null }, { ...good, value: null }, { ...good, key: null, value: null }, { ...good, value: '' }];
      if (typeof poison === 'function') records.push(poison(good));
      const sink = await subject.sink();
      for (const [index, record] of records.entries()) {
        let identity: unknown;
        try {
          identity = sink.identity?.(record) ?? null;
        } catch (error) {
          assert.fail(`Expected sink.identity to answer for record ${index}, it threw ${errorName(error)}`);
        }
        assert.ok(identity === null || typeof identity === 'string', `Expected a text or null, got ${typeof identity} for record ${index}`);
      }
    },
  },
  {
    name: 'each record is a thing of its own, and sink.identity says so',
    applies: ({ identity }) => identity === 'none' || identity === 'record',
    async run(subject) {
      const records = [subject.record('a', 1), subject.record('a', 2), subject.record('a', 3, { partition: 1, offset: 100 })];
      const sink = await subject.sink();
      const identities = records.map((record) => sink.identity?.(record) ?? null);
      if (subject.mode.identity === 'none') assert.deepEqual(identities, [null, null, null], 'Expected no identities');
      else assert.equal(new Set(identities).size, 3, 'Expected three identities');
      await subject.deliver(...records);
      await subject.expectContent(records, 'Expected three things');
    },
  },
  {
    name: 'all parts of a fan-out arrive',
    async run(subject) {
      const offset = 40;
      const parts = [0, 1, 2, 3].map((part) => subject.record(`part-${part}`, part, { offset, part }));
      await subject.deliver(...parts);
      await subject.expectContent(parts, 'Expected every part');
      if (!subject.claims.idempotent) return;
      await subject.deliver(...parts.map((record) => ({ ...record })).slice(2));
      await subject.expectContent(parts, 'Expected every part once, after some were redelivered');
    },
  },
  {
    name: 'what a transform made of a record is stored, never the bytes it came from',
    async run(subject) {
      const received = subject.record('a', 1, { raw: true });
      const untouched = subject.record('b', 2, { raw: true });
      const changed = subject.record('c', 3);
      const again: KafkaRecord = { ...subject.record('a', 4), size: received.size ?? 0 };
      await subject.deliver(received);
      await subject.deliver(untouched, changed, again);
      const { identity } = subject.mode;
      const replaced = identity === 'key' || identity === 'value';
      await subject.expectContent([...(replaced ? [] : [received]), untouched, changed, again], 'Expected the new values');
    },
  },
  {
    name: 'a value of the largest size is delivered, and a larger one is refused alone',
    async run(subject) {
      const { size } = subject.mode;
      if (size === undefined) throw new NothingToTry('the target has no size limit');
      const [small, at, over] = [
        subject.record('a', 1),
        subject.recordOf('b', size.at('b'), { raw: true }),
        subject.recordOf('c', size.over('c'), { raw: true }),
      ];
      await subject.deliver(at);
      const outcomes = await subject.write([small, over]);
      subject.see('a value over the size limit', outcomes.slice(1));
      assert.equal(
        kindOf(outcomes[1] ?? 'ignored'),
        'data',
        `Expected a DataError for the larger one, got ${outcomes.map(inWords).join('; ')}`,
      );
      if (subject.claims.partial || subject.wrapped) await subject.expectContent([small, at], 'Expected all but the larger one');
    },
  },
  {
    name: 'a refused record in front of one of its identity leaves its predecessor',
    applies: ({ identity }) => identity === 'key' || identity === 'value',
    async run(subject) {
      const { poison } = subject.mode;
      if (typeof poison !== 'function') throw new NothingToTry(poison.none);
      const good = subject.record('a', 1);
      const outcomes = await subject.writeAll([good, poison(subject.record('a', 2))]);
      const kinds = outcomes.map(kindOf);
      assert.deepEqual(kinds, ['delivered', 'data'], `Expected the predecessor to be delivered, got ${outcomes.map(inWords).join('; ')}`);
      await subject.expectContent([good], 'Expected the predecessor of the refused record');
    },
  },
  {
    name: 'partial updates are merged, in one write and in several',
    applies: ({ partialUpdates }) => partialUpdates !== undefined,
    async run(subject) {
      const { partialUpdates } = subject.mode;
      if (partialUpdates === undefined) return;
      const [a, b] = [partialUpdates('a'), partialUpdates('b')];
      await subject.expectOutcomes(
        [subject.recordOf('a', a.first), subject.recordOf('a', a.second), subject.recordOf('b', b.first)],
        ['delivered', 'delivered', 'delivered'],
      );
      await subject.deliver(subject.recordOf('b', b.second));
      await subject.expectContent([subject.recordOf('a', a.merged), subject.recordOf('b', b.merged)], 'Expected both updates of each');
    },
  },
];

interface Fitted {
  readonly name: string;
  readonly record: KafkaRecord;
  readonly refused: boolean;
  /** What the reader has to show. */
  readonly line: string;
}

/** A sample as it fits into the target: decoded, and with its bytes where they say the same. */
function fitted(subject: Subject, sample: Sample): readonly Fitted[] {
  return ['decoded', 'bytes'].flatMap((kind) => {
    const key = `${kind} ${samples.indexOf(sample)}`;
    const sampleCase: SampleCase = subject.mode.sample?.(sample, key) ?? { value: sample.value };
    if (sampleCase.skip !== undefined) return [];
    const decoded = subject.recordOf(key, sampleCase.value);
    const untouched = kind === 'bytes' && sampleCase.value === sample.value;
    const record = untouched ? { ...decoded, bytes: Buffer.from(sample.json), size: Buffer.byteLength(sample.json) } : decoded;
    const line = subject.line(record, 'stored' in sampleCase ? { value: sampleCase.stored } : undefined);
    return [{ name: `${sample.name} (${kind})`, record, refused: sampleCase.refused === true, line }];
  });
}
