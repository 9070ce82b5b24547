import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { failAll, sinkFailure } from '../../../lib/core/outcome.ts';
import type { KafkaRecord } from '../../../lib/core/record.ts';
import type { Outcome } from '../../../lib/core/sink.ts';
import { type Check, NothingToTry } from './check.ts';
import type { BrokenConfig, TargetReader } from './mode.ts';
import { inWords, kindOf, type Subject } from './subject.ts';

const noFaults = 'nothing can come between this sink and its target';
/** A sink has to let go this long after the signal at most. */
const letGoMs = 1_000;

/** What the sink answers when things break, and that it goes on when they work again. */
export const faultChecks: readonly Check[] = [
  {
    name: 'a target that refuses connections is retriable, and the same sink goes on when it is back',
    shared: true,
    async run(subject) {
      const { faults } = subject.target;
      if (faults?.refuse === undefined) throw new NothingToTry(noFaults);
      const before = subject.record('before', 0);
      await subject.deliver(before);
      await faults.refuse();
      const records = [subject.record('a', 1), subject.record('b', 2)];
      const outcomes = await subject.write(records);
      subject.see('connections refused', outcomes);
      for (const outcome of outcomes) assert.equal(kindOf(outcome), 'retriable', `Expected RetriableErrors, got ${inWords(outcome)}`);
      await faults.pass();
      await subject.expectContent([before], 'Expected nothing of what was refused');
      await deliverAtLast(subject, records);
      await expectThere(subject, [before, ...records]);
    },
  },
  {
    name: 'opening while the target refuses connections is retriable',
    shared: true,
    async run(subject) {
      const { faults } = subject.target;
      if (faults?.refuse === undefined) throw new NothingToTry(noFaults);
      await faults.refuse();
      const record = subject.record('a', 1);
      const outcomes = await subject.write([record]);
      subject.see('connections refused while opening', outcomes);
      assert.equal(kindOf(outcomes[0] ?? 'ignored'), 'retriable', `Expected a RetriableError, got ${outcomes.map(inWords).join()}`);
      await expectProbe(subject, 'retriable');
      await faults.pass();
      await deliverAtLast(subject, [record]);
      await expectThere(subject, [record]);
    },
  },
  {
    name: 'a connection that breaks during a write is retriable, and nothing unwritten counts as delivered',
    shared: true,
    async run(subject) {
      const { faults } = subject.target;
      if (faults?.hang === undefined || faults.cut === undefined) throw new NothingToTry(noFaults);
      await subject.deliver(subject.record('before', 0));
      await subject.target.reset();
      const records = Array.from({ length: 20 }, (_, n) => subject.record(`key-${n}`, n));
      await faults.hang();
      const writing = subject.write(records);
      await sleep(100);
      await faults.cut();
      await faults.pass();
      const outcomes = await writing;
      subject.see('connection cut during a write', outcomes);
      await expectTrue(subject, records, outcomes);
      await deliverAtLast(subject, records);
      await expectThere(subject, records);
    },
  },
  {
    name: 'a target that hangs is let go when the signal aborts, and nothing stays in flight',
    shared: true,
    async run(subject) {
      const { faults } = subject.target;
      if (faults?.hang === undefined) throw new NothingToTry(noFaults);
      await subject.deliver(subject.record('before', 0));
      await subject.target.reset();
      const records = [subject.record('a', 1), subject.record('b', 2)];
      await faults.hang();
      const controller = new AbortController();
      const writing = subject.write(records, controller.signal);
      await sleep(150);
      controller.abort();
      const outcomes = await endsInTime(writing, records);
      subject.see('no answer until the time is over', outcomes);
      for (const outcome of outcomes) assert.equal(kindOf(outcome), 'retriable', `Expected RetriableErrors, got ${inWords(outcome)}`);
      await faults.cut?.(); // what the network held back is lost, so anything that appears later was sent later
      await faults.pass();
      const soon = await subject.content();
      await sleep(300);
      assert.deepEqual(await subject.content(), soon, 'Expected nothing more to be written after the signal');
      const again = [subject.record('a', 3), subject.record('b', 4)];
      await deliverAtLast(subject, again);
      await expectThere(subject, again);
    },
  },
  {
    name: 'a write whose signal has aborted answers at once and writes nothing',
    shared: true,
    async run(subject) {
      const records = [subject.record('a', 1), subject.record('b', 2)];
      await subject.sink();
      const controller = new AbortController();
      controller.abort();
      const outcomes = await endsInTime(subject.write(records, controller.signal), records);
      for (const outcome of outcomes) assert.equal(kindOf(outcome), 'retriable', `Expected RetriableErrors, got ${inWords(outcome)}`);
      await subject.expectContent([], 'Expected nothing in the target');
      await subject.deliver(...records);
      await subject.expectContent(records, 'Expected the sink to be usable after an aborted write');
    },
  },
  {
    name: 'a write that is aborted halfway tells the truth, and the sink is usable afterwards',
    shared: true,
    async run(subject) {
      const records = Array.from({ length: Math.min(subject.limits.records, 500) }, (_, n) => subject.record(`key-${n}`, n));
      await subject.sink();
      const controller = new AbortController();
      const writing = subject.write(records, controller.signal);
      await sleep(1);
      controller.abort();
      await expectTrue(subject, records, await endsInTime(writing, records));
      await deliverAtLast(subject, records);
      await expectThere(subject, records);
    },
  },
  {
    name: 'wrong credentials are a ConfigError that says so',
    shared: true,
    applies: ({ unauthorized }) => unauthorized !== undefined,
    async run(subject) {
      const outcome = await tryBroken(subject, (target) => subject.mode.unauthorized?.(target));
      subject.see('wrong credentials', [outcome]);
      assert.equal(kindOf(outcome), 'config', `Expected a ConfigError, got ${inWords(outcome)}`);
      const unauthorized = typeof outcome === 'object' && 'unauthorized' in outcome && outcome.unauthorized;
      assert.equal(unauthorized, true, 'Expected error.unauthorized, so that the sink is opened again with secrets read afresh');
      await subject.expectContent([], 'Expected nothing in the target');
    },
  },
  {
    name: 'a target that does not exist is a ConfigError',
    shared: true,
    applies: ({ missing }) => missing !== undefined,
    async run(subject) {
      const outcome = await tryBroken(subject, (target) => subject.mode.missing?.(target));
      subject.see('target does not exist', [outcome]);
      assert.equal(kindOf(outcome), 'config', `Expected a ConfigError, got ${inWords(outcome)}`);
    },
  },
  {
    name: 'other faults are of the class that the target calls for, and pass',
    shared: true,
    async run(subject) {
      const { faults } = subject.target;
      if (faults?.others === undefined) throw new NothingToTry(noFaults);
      await subject.deliver(subject.record('before', 0));
      for (const [name, { start, expected }] of Object.entries(faults.others)) {
        await faults.pass();
        await subject.target.reset();
        await start();
        const record = subject.record('a', 1);
        const outcomes = await subject.write([record]);
        subject.see(name, outcomes);
        assert.equal(kindOf(outcomes[0] ?? 'ignored'), expected, `Expected ${expected} of ${name}, got ${outcomes.map(inWords).join()}`);
        await faults.pass();
        if (expected === 'data') continue;
        await deliverAtLast(subject, [record]);
        await expectThere(subject, [record]);
      }
    },
  },
  {
    name: 'a probe passes where writing works',
    shared: true,
    async run(subject) {
      const sink = await subject.sink();
      if (sink.probe === undefined) throw new NothingToTry('the sink has no probe');
      await sink.probe({ signal: new AbortController().signal });
      await subject.expectContent([], 'Expected a probe to leave nothing in the target');
    },
  },
];

/** The worst that opening with a broken configuration, or the first write after it, comes to. */
async function tryBroken(subject: Subject, broken: (target: TargetReader) => BrokenConfig | undefined): Promise<Outcome> {
  const config = broken(subject.target);
  assert.ok(config);
  try {
    const sink = await subject.open(config);
    const [outcome] = await subject.writeTo(sink, [subject.record('a', 1)]);
    return outcome ?? 'ignored';
  } catch (error) {
    return sinkFailure(error);
  }
}

async function expectProbe(subject: Subject, expected: 'retriable' | 'config'): Promise<void> {
  try {
    const sink = await subject.open();
    if (sink.probe === undefined) return;
    await sink.probe({ signal: AbortSignal.timeout(5_000) });
  } catch (error) {
    subject.silence.hearError(error);
    assert.equal(kindOf(sinkFailure(error)), expected, `Expected the probe to be ${expected}, got ${inWords(sinkFailure(error))}`);
    return;
  }
  assert.fail(`Expected the probe to fail as ${expected}, it passed`);
}

/** The outcomes of a write that has to end soon, as its signal has aborted. */
async function endsInTime(writing: Promise<readonly Outcome[]>, records: readonly KafkaRecord[]): Promise<readonly Outcome[]> {
  const late = Symbol('late');
  const first = await Promise.race([writing, sleep(letGoMs, late, { ref: false })]);
  if (first !== late) return first as readonly Outcome[];
  writing.catch(() => undefined);
  return assert.fail(`Expected the write of ${records.length} records to end within ${letGoMs} ms of the signal`);
}

/** Writes until everything is delivered: what failed retriably, and all that follows it, is sent again. */
export async function deliverAtLast(subject: Subject, records: readonly KafkaRecord[], attempts = 10): Promise<void> {
  let outcomes: readonly Outcome[] = failAll(records.length, sinkFailure(undefined));
  let rest = records;
  for (let attempt = 0; attempt < attempts && rest.length > 0; attempt++) {
    if (attempt > 0) await sleep(20 * attempt);
    outcomes = await subject.writeAll(rest);
    const failed = outcomes.findIndex((outcome) => kindOf(outcome) === 'retriable');
    const other = outcomes.find((outcome) => kindOf(outcome) === 'config' || kindOf(outcome) === 'data');
    assert.equal(other, undefined, `Expected only retriable errors, got ${other && inWords(other)}`);
    rest = failed < 0 ? [] : rest.slice(failed);
  }
  assert.equal(rest.length, 0, `Expected the sink to deliver after ${attempts} attempts, got ${outcomes.map(inWords).at(-1)}`);
}

/** Everything called delivered is there, and no outcome is another than delivered, ignored or retriable. */
async function expectTrue(subject: Subject, records: readonly KafkaRecord[], outcomes: readonly Outcome[]): Promise<void> {
  const found = new Set(await subject.content());
  for (const [index, record] of records.entries()) {
    const outcome = outcomes[index] ?? 'ignored';
    const kind = kindOf(outcome);
    assert.ok(kind === 'delivered' || kind === 'ignored' || kind === 'retriable', `Expected a RetriableError, got ${inWords(outcome)}`);
    if (kind === 'delivered') assert.ok(found.has(subject.line(record)), 'Expected what is called delivered to be in the target');
  }
}

/** All of these are there: once where idempotent is claimed, at least once elsewhere; and nothing else is. */
export async function expectThere(subject: Subject, records: readonly KafkaRecord[]): Promise<void> {
  if (subject.claims.idempotent) return subject.expectContent(records, 'Expected each record once');
  const found = [...new Set(await subject.content())].toSorted();
  const expected = [...new Set(records.map((record) => subject.line(record)))].toSorted();
  assert.deepEqual(found, expected, 'Expected each record at least once, and nothing else');
}
