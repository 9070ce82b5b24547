import assert from 'node:assert/strict';
import { type Check, expectNoBetter, NothingToTry } from './check.ts';
import { deliverAtLast } from './fault-checks.ts';
import { inWords, kindOf } from './subject.ts';

/** What a write answers, and that it is true. */
export const outcomeChecks: readonly Check[] = [
  {
    name: 'answers once for each record, and what it calls delivered can be read back',
    async run(subject) {
      const records = Array.from({ length: 25 }, (_, n) => subject.record(`key-${n}`, n));
      await subject.deliver(...records);
      await subject.expectContent(records, 'Expected every delivered record, and nothing else, in the target');
    },
  },
  {
    name: 'answers nothing for nothing',
    shared: true,
    async run(subject) {
      await subject.expectOutcomes([], []);
      await subject.expectContent([], 'Expected an empty target');
    },
  },
  {
    name: 'takes as many records as its limits say',
    shared: true,
    async run(subject) {
      const count = Math.min(subject.limits.records, 2_000);
      const records = Array.from({ length: count }, (_, n) => subject.record(`key-${n}`, n));
      await subject.deliver(...records);
      await subject.expectContent(records, 'Expected every delivered record in the target');
    },
  },
  {
    name: 'writes the second batch after the first',
    shared: true,
    async run(subject) {
      const [first, second, third] = [subject.record('a', 1), subject.record('b', 2), subject.record('c', 3)];
      await subject.deliver(first);
      await subject.deliver(second, third);
      await subject.expectContent([first, second, third], 'Expected both batches in the target');
    },
  },
  {
    name: 'a second sink on the same target continues where the first one stopped',
    shared: true,
    async run(subject) {
      const [first, second] = [subject.record('a', 1), subject.record('b', 2)];
      await subject.deliver(first);
      await subject.expectOutcomes([second], ['delivered'], await subject.open());
      await subject.expectContent([first, second], 'Expected the records of both sinks');
    },
  },
  {
    name: 'writes of several partitions at the same time all arrive',
    async run(subject) {
      const partition = (number: number) =>
        Array.from({ length: 40 }, (_, n) => subject.record(`key-${number}-${n}`, n, { partition: number }));
      const partitions = [0, 1, 2, 3].map(partition);
      await subject.sink();
      await Promise.all(partitions.map((records) => subject.deliver(...records)));
      await subject.expectContent(partitions.flat(), 'Expected the records of every partition');
    },
  },
  {
    name: 'two sinks that write the same records at the same time leave one copy of each',
    async run(subject) {
      if (!subject.claims.idempotent) throw new NothingToTry('idempotent is not claimed');
      const records = Array.from({ length: 40 }, (_, n) => subject.record(`key-${n}`, n));
      const [one, other] = [await subject.open(), await subject.open()];
      const answers = await Promise.all([subject.writeTo(one, records), subject.writeTo(other, records.toReversed())]);
      for (const outcome of answers.flat()) {
        const kind = kindOf(outcome);
        assert.ok(kind !== 'config' && kind !== 'data', `Expected no ConfigError and no DataError, got ${inWords(outcome)}`);
      }
      const failed = answers.flatMap((outcomes, index) =>
        (index === 0 ? records : records.toReversed()).filter((_, position) => kindOf(outcomes[position] ?? 'ignored') === 'retriable'),
      );
      await deliverAtLast(subject, failed);
      await subject.expectContent(records, 'Expected one copy of each');
    },
  },
  {
    name: 'a record that the target refuses fails with a DataError, and its neighbours as claimed',
    async run(subject) {
      const { poison } = subject.mode;
      if (typeof poison !== 'function') {
        assert.ok(subject.claims.partial, 'A mode without poison proves nothing about partial: false. Give one, or claim partial.');
        throw new NothingToTry(poison.none);
      }
      const [first, second] = [subject.record('a', 1), subject.record('c', 3)];
      const bad = poison(subject.record('b', 2));
      const outcomes = await subject.write([first, bad, second]);
      const kinds = outcomes.map(kindOf);
      subject.see('a record that the target refuses', outcomes.slice(1, 2));
      assert.ok(kinds[1] === 'data', `Expected a DataError for the refused record, got ${outcomes.map(inWords).join('; ')}`);
      const alone = kinds[0] === 'delivered' && kinds[2] === 'delivered';
      if (subject.claims.partial || subject.wrapped) {
        assert.ok(alone, `Expected the neighbours of the refused record to be delivered, got ${outcomes.map(inWords).join('; ')}`);
        await subject.expectContent([first, second], 'Expected the neighbours of the refused record in the target');
      } else if (alone) expectNoBetter(subject, 'partial', 'a refused record left its neighbours alone');
    },
  },
  {
    name: 'a batch of nothing but refused records fails record by record',
    async run(subject) {
      const { poison } = subject.mode;
      if (typeof poison !== 'function') throw new NothingToTry(poison.none);
      const bad = ['a', 'b', 'c'].map((key, n) => poison(subject.record(key, n)));
      await subject.expectOutcomes(bad, ['data', 'data', 'data']);
      await subject.expectContent([], 'Expected nothing in the target');
      const good = subject.record('d', 4);
      await subject.deliver(good);
      await subject.expectContent([good], 'Expected the sink to be usable afterwards');
    },
  },
  {
    name: 'a target that a record chose outside of the allow-list is refused, and its neighbours go on',
    shared: true,
    async run(subject) {
      const [good, stray] = [subject.record('a', 1), subject.record('b', 2, { target: 'sluice-not-allowed' })];
      const outcomes = await subject.write([good, stray]);
      assert.equal(kindOf(outcomes[1] ?? 'delivered'), 'data', `Expected a DataError, got ${outcomes.map(inWords).join('; ')}`);
      if (subject.claims.partial || subject.wrapped) await subject.expectContent([good], 'Expected only the record without a target');
    },
  },
];
