import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Check, expectNoBetter, NothingToTry } from './check.ts';
import { inWords, kindOf, type Subject } from './subject.ts';

/** idempotent, deletes and ordered: what is claimed holds, and what is not claimed does not. */
export const claimChecks: readonly Check[] = [
  {
    name: 'the same record twice leaves as many copies as claimed',
    async run(subject) {
      const record = subject.record('a', 1);
      await subject.deliver(record);
      const again = await subject.write([{ ...record }]);
      const copies = (await subject.content()).filter((line) => line === subject.line(record)).length;
      const total = (await subject.content()).length;
      if (subject.claims.idempotent) {
        assert.ok(['delivered', 'ignored'].includes(kindOf(again[0] ?? 'ignored')), `Expected no error, got ${again.map(inWords).join()}`);
        assert.deepEqual({ copies, total }, { copies: 1, total: 1 }, 'Expected one copy, as idempotent is claimed');
      } else if (total === 1 && kindOf(again[0] ?? 'ignored') !== 'data')
        expectNoBetter(subject, 'idempotent', 'the same record twice left one copy');
    },
  },
  {
    name: 'a batch that is redelivered whole leaves what was there',
    async run(subject) {
      if (!subject.claims.idempotent) throw new NothingToTry('idempotent is not claimed');
      const records = [subject.record('a', 1), subject.record('b', 2), subject.record('a', 3), subject.record('c', 4)];
      const expected = subject.mode.identity === 'record' || subject.mode.identity === 'none' ? records : records.slice(1);
      await subject.deliver(...records);
      const outcomes = await subject.writeAll(records.map((record) => ({ ...record })));
      for (const outcome of outcomes)
        assert.ok(['delivered', 'ignored'].includes(kindOf(outcome)), `Expected no errors, got ${outcomes.map(inWords).join('; ')}`);
      await subject.expectContent(expected, 'Expected what the first delivery left');
    },
  },
  {
    name: 'the same version read from the dead letter topic is the same record',
    applies: ({ identity }) => identity === 'record',
    async run(subject) {
      const record = subject.record('a', 1);
      await subject.deliver(record);
      await subject.deliver(subject.replayed(record));
      await subject.expectContent([record], 'Expected one copy: identities are made of the version, not of the origin');
    },
  },
  {
    name: 'the same offset of a topic that was created again is another record',
    applies: ({ identity }) => identity === 'record',
    async run(subject) {
      const before = subject.record('a', 1, { offset: 5 });
      const after = subject.record('b', 2, { offset: 5, epoch: 1 });
      await subject.deliver(before);
      await subject.deliver(after);
      const lines = await subject.content();
      assert.equal(lines.length, 2, 'Expected both records: identities are made of the version, and the epoch is part of it');
    },
  },
  {
    name: 'a tombstone deletes if that is claimed, and nothing else does',
    async run(subject) {
      const [gone, kept] = [subject.record('a', 1), subject.record('b', 2)];
      await subject.deliver(gone, kept);
      const tombstone = subject.tombstone('a');
      if (subject.claims.deletes) {
        await subject.deliver(tombstone);
        await subject.expectContent([kept], 'Expected the deleted record to be gone');
        const again = kindOf((await subject.write([tombstone]))[0] ?? 'ignored');
        assert.ok(again === 'delivered' || again === 'ignored', `Expected the tombstone to come twice without harm, got ${again}`);
        await subject.expectContent([kept], 'Expected nothing to change when the tombstone comes twice');
        return;
      }
      const wanted = { ignored: 'ignored', stored: 'delivered', refused: 'data' }[subject.mode.tombstone ?? 'ignored'];
      const outcome = (await subject.write([tombstone]))[0] ?? 'ignored';
      const there = await subject.content();
      if (!there.includes(subject.line(gone))) {
        expectNoBetter(subject, 'deletes', 'a tombstone deleted');
        return;
      }
      assert.equal(kindOf(outcome), wanted, `Expected a tombstone to be ${subject.mode.tombstone ?? 'ignored'}, got ${inWords(outcome)}`);
      await subject.expectContent(
        wanted === 'delivered' ? [gone, kept, tombstone] : [gone, kept],
        'Expected a tombstone to leave what was there',
      );
    },
  },
  {
    name: 'deletes what was never there, and what comes after a delete is there again',
    async run(subject) {
      if (!subject.claims.deletes) throw new NothingToTry('deletes is not claimed');
      await subject.expectOutcomes([subject.tombstone('a')], ['delivered']);
      await subject.expectContent([], 'Expected nothing');
      const back = subject.record('a', 2);
      await subject.deliver(back);
      await subject.expectContent([back], 'Expected the record that came after the delete');
    },
  },
  {
    name: 'an older record after a newer one, and after a delete, does what is claimed',
    applies: ({ identity }) => identity === 'key' || identity === 'value',
    async run(subject) {
      const lost = (await olderAfterNewer(subject)) ?? (await olderAfterDelete(subject)) ?? (await olderAfterUnseenDelete(subject));
      if (subject.claims.ordered) assert.equal(lost, undefined, `ordered is claimed: ${lost}`);
      else if (lost === undefined) expectNoBetter(subject, 'ordered', 'no older record overwrote a newer one');
    },
  },
];

/** Answers in words what went wrong, if an older record won. */
async function olderAfterNewer(subject: Subject): Promise<string | undefined> {
  const [older, newer] = inOrder(subject, 'a');
  await subject.deliver(newer);
  return expectIgnored(subject, [older], [newer], 'Expected an older record not to overwrite a newer one');
}

async function olderAfterDelete(subject: Subject): Promise<string | undefined> {
  if (!subject.claims.deletes) return undefined;
  await subject.target.reset();
  const [older, newer] = inOrder(subject, 'b');
  await subject.deliver(older);
  await subject.deliver(newer);
  await subject.deliver(subject.tombstone('b'));
  const { forgetAfterMs } = subject.mode;
  if (forgetAfterMs !== undefined) await sleep(forgetAfterMs);
  return expectIgnored(subject, [older, newer], [], 'Expected a deleted record to stay deleted when an older one comes again');
}

/** A record goes to the dead letter topic, is deleted, and its letter is replayed. */
async function olderAfterUnseenDelete(subject: Subject): Promise<string | undefined> {
  if (!subject.claims.deletes || typeof subject.mode.guard === 'object') return undefined;
  await subject.target.reset();
  const [older] = inOrder(subject, 'c');
  await subject.deliver(subject.tombstone('c'));
  const { forgetAfterMs } = subject.mode;
  if (forgetAfterMs !== undefined) await sleep(forgetAfterMs);
  return expectIgnored(subject, [older], [], 'Expected a delete to be remembered although there was nothing to delete');
}

async function expectIgnored(
  subject: Subject,
  older: readonly ReturnType<Subject['record']>[],
  there: readonly ReturnType<Subject['record']>[],
  why: string,
): Promise<string | undefined> {
  const outcomes = await subject.writeAll(older);
  const found = await subject.content();
  const kept = found.join('\n') === there.map((record) => subject.line(record)).join('\n');
  const ignored = outcomes.every((outcome) => outcome === 'ignored');
  if (kept && ignored) return undefined;
  return kept ? `${why} and to be answered 'ignored', got ${outcomes.map(inWords).join('; ')}` : `${why}, found:\n${found.join('\n')}`;
}

/** Two records of one key; the guard, whatever it is, calls the second one newer. */
function inOrder(subject: Subject, key: string): [ReturnType<Subject['record']>, ReturnType<Subject['record']>] {
  const [older, newer] = [subject.record(key, 1), subject.record(key, 2)];
  const { guard } = subject.mode;
  if (typeof guard !== 'object') return [older, newer];
  const withField = (record: typeof older, field: number) => ({ ...record, value: { ...(record.value as object), [guard.field]: field } });
  return [withField(older, 1), withField(newer, 2)];
}
