import assert from 'node:assert/strict';
import { ConfigError } from '../../../lib/core/errors.ts';
import type { KafkaRecord } from '../../../lib/core/record.ts';
import { type Check, NothingToTry } from './check.ts';
import type { Mode } from './mode.ts';
import { inWords, type Subject } from './subject.ts';

const byVersion = ({ guard }: Mode): boolean => guard === 'version';

/** Which of two records is newer, by their place in Kafka and by a field. */
export const guardChecks: readonly Check[] = [
  {
    name: 'answers ignored for an older record, and keeps the newer one',
    applies: byVersion,
    async run(subject) {
      const [older, newer] = [subject.record('a', 1), subject.record('a', 2)];
      await subject.deliver(older);
      await subject.deliver(newer);
      await subject.expectOutcomes([older], ['ignored']);
      await subject.expectOutcomes([older], ['ignored'], await subject.open());
      await subject.expectContent([newer], 'Expected the newer record');
    },
  },
  {
    name: 'keeps the newest of one write, whatever their order',
    applies: byVersion,
    async run(subject) {
      const [first, second, third] = [subject.record('a', 1), subject.record('a', 2), subject.record('a', 3)];
      const outcomes = await subject.write([first, third, second]);
      for (const outcome of outcomes)
        assert.ok(outcome === 'delivered' || outcome === 'ignored', `Expected no error, got ${inWords(outcome)}`);
      assert.equal(outcomes[1], 'delivered', `Expected the newest to be delivered, got ${outcomes.map(inWords).join('; ')}`);
      await subject.expectContent([third], 'Expected the newest record');
    },
  },
  {
    name: 'of the parts of one fan-out with one key the last is newest',
    applies: byVersion,
    async run(subject) {
      const [part0, part1] = [subject.record('a', 1, { offset: 7 }), subject.record('a', 2, { offset: 7, part: 1 })];
      await subject.deliver(part1);
      await subject.expectOutcomes([part0], ['ignored']);
      await subject.expectContent([part1], 'Expected the later part');
    },
  },
  {
    name: 'an old tombstone does not delete what is newer',
    applies: byVersion,
    async run(subject) {
      if (!subject.claims.deletes) throw new NothingToTry('deletes is not claimed');
      const [tombstone, newer] = [subject.tombstone('a'), subject.record('a', 2)];
      await subject.deliver(newer);
      await subject.expectOutcomes([tombstone], ['ignored']);
      await subject.expectContent([newer], 'Expected the newer record');
    },
  },
  {
    name: 'a topic that was created again is a GUARD_AHEAD, and other keys go on',
    applies: byVersion,
    async run(subject) {
      const before = subject.record('a', 1, { offset: 900 });
      const deleted = subject.tombstone('b', { offset: 901 });
      await subject.deliver(before);
      if (subject.claims.deletes) await subject.deliver(deleted);
      const timestamp = Date.now() + 3_600_000; // produced after the stored row was written
      await expectGuardAhead(subject, subject.record('a', 2, { offset: 3, timestamp }));
      if (subject.claims.deletes) await expectGuardAhead(subject, subject.record('b', 2, { offset: 4, timestamp }));
      await subject.expectContent([before], 'Expected what was there before');
      const other = subject.record('c', 3, { offset: 5, timestamp });
      const outcomes = await subject.write([subject.record('a', 4, { offset: 6, timestamp }), other]);
      assert.ok(isGuardAhead(outcomes[0]), `Expected GUARD_AHEAD, got ${outcomes.map(inWords).join('; ')}`);
      const there = outcomes[1] === 'delivered' ? [before, other] : [before];
      await subject.expectContent(there, 'Expected what was answered');
    },
  },
  {
    name: 'another partition, or another topic, in the same epoch is a GUARD_AHEAD',
    applies: byVersion,
    async run(subject) {
      const before = subject.record('a', 1, { partition: 1, offset: 50 });
      await subject.deliver(before);
      await expectGuardAhead(subject, subject.record('a', 2, { partition: 2, offset: 90 }));
      await expectGuardAhead(subject, subject.record('a', 3, { partition: 2, offset: 10 }));
      await expectGuardAhead(subject, subject.record('a', 4, { topic: 'orders-again', partition: 1, offset: 90 }));
      await subject.expectContent([before], 'Expected what was there before');
    },
  },
  {
    name: 'redelivery is ordinary when the clocks of producers run backwards',
    applies: byVersion,
    async run(subject) {
      const hour = 3_600_000;
      const [first, second, third] = [
        subject.record('a', 1, { timestamp: Date.now() - hour }),
        subject.record('a', 2, { timestamp: Date.now() - 2 * hour }),
        subject.record('a', 3, { timestamp: Date.now() - 3 * hour }),
      ];
      await subject.deliver(first);
      await subject.deliver(second);
      await subject.deliver(third);
      await subject.expectContent([third], 'Expected the record of the highest offset, not of the latest time');
      await subject.expectOutcomes([first], ['ignored']);
      await subject.expectOutcomes([second], ['ignored']);
      await subject.expectContent([third], 'Expected the record of the highest offset');
    },
  },
  {
    name: 'a dead letter replayed after newer data is ignored, and delivered where there is none',
    applies: byVersion,
    async run(subject) {
      const [failed, newer, other] = [subject.record('a', 1), subject.record('a', 2), subject.record('b', 3)];
      await subject.deliver(newer);
      await subject.expectOutcomes([subject.replayed(failed)], ['ignored']);
      await subject.expectOutcomes([subject.replayed(other)], ['delivered']);
      await subject.expectContent([newer, other], 'Expected the newer record, and the replayed one that nothing had followed');
      const next = subject.record('b', 4);
      await subject.deliver(next);
      await subject.expectContent([newer, next], 'Expected the replayed record to be followed by the next offset of its own partition');
    },
  },
  {
    name: 'a higher epoch is newer wherever it comes from, and a replay from a lower one is ignored',
    applies: byVersion,
    async run(subject) {
      const before = subject.record('a', 1, { partition: 4, offset: 900 });
      const after = subject.record('a', 2, { partition: 0, offset: 3, epoch: 1 });
      await subject.deliver(before);
      await subject.deliver(after);
      await subject.expectContent([after], 'Expected the record of the higher epoch');
      await subject.expectOutcomes([subject.replayed(before)], ['ignored']);
      await subject.expectOutcomes([subject.record('a', 3, { partition: 0, offset: 950 })], ['ignored']);
      await subject.expectContent([after], 'Expected the record of the higher epoch');
      const next = subject.record('a', 4, { partition: 0, offset: 4, epoch: 1 });
      await subject.deliver(next);
      await subject.expectContent([next], 'Expected the next record of the higher epoch');
    },
  },
  {
    name: 'a higher guard field is newer whatever its offset, and a tie goes to the higher version',
    applies: ({ guard }) => typeof guard === 'object',
    async run(subject) {
      const high = guarded(subject, 'a', 9, 1);
      await subject.deliver(high);
      await subject.expectOutcomes([guarded(subject, 'a', 5, 2)], ['ignored']);
      await subject.expectContent([high], 'Expected the record with the higher field');
      const tie = guarded(subject, 'a', 9, 3);
      await subject.deliver(tie);
      await subject.expectContent([tie], 'Expected the higher version of the tie');
      await subject.expectOutcomes([high], ['ignored']);
      await subject.expectContent([tie], 'Expected the higher version of the tie');
    },
  },
  {
    name: 'a tombstone keeps the guard field of what it deletes',
    applies: ({ guard }) => typeof guard === 'object',
    async run(subject) {
      if (!subject.claims.deletes || !subject.claims.ordered) throw new NothingToTry('ordered deletes are not claimed');
      await subject.deliver(guarded(subject, 'a', 9, 1));
      await subject.deliver(subject.tombstone('a'));
      await subject.expectOutcomes([guarded(subject, 'a', 5, 2)], ['ignored']);
      await subject.expectContent([], 'Expected a lower field not to bring back what was deleted');
      const higher = guarded(subject, 'a', 10, 3);
      await subject.deliver(higher);
      await subject.expectContent([higher], 'Expected a higher field after the delete');
    },
  },
];

async function expectGuardAhead(subject: Subject, record: KafkaRecord): Promise<void> {
  const outcomes = await subject.write([record]);
  assert.ok(isGuardAhead(outcomes[0]), `Expected a ConfigError GUARD_AHEAD, got ${outcomes.map(inWords).join('; ')}`);
  assert.match(outcomes[0]?.message ?? '', /epoch/i, 'Expected the message to say that connector.epoch is to be raised');
}

function isGuardAhead(outcome: unknown): outcome is ConfigError {
  return outcome instanceof ConfigError && outcome.code === 'GUARD_AHEAD';
}

/** A record whose guard field has this value; `n` makes the rest differ. */
function guarded(subject: Subject, key: string, field: number, n: number): KafkaRecord {
  const { guard } = subject.mode;
  const record = subject.record(key, n);
  return typeof guard === 'object' ? { ...record, value: { ...(record.value as object), [guard.field]: field } } : record;
}
