import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { KafkaRecord } from '../../../lib/core/record.ts';
import type { Outcome } from '../../../lib/core/sink.ts';
import type { Check } from './check.ts';
import { deliverAtLast, expectThere } from './fault-checks.ts';
import type { Faults } from './mode.ts';
import { inWords, kindOf, type Subject } from './subject.ts';

type Fault = 'none' | 'refuse' | 'cut' | 'hang' | 'abort';
interface Step {
  readonly records: readonly { readonly key: number; readonly kind: 'value' | 'tombstone' | 'poison' }[];
  readonly fault: Fault;
  /** How many of the records before come again first, as after a lost acknowledgement. */
  readonly again: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  records: fc.array(
    fc.record({
      key: fc.nat(4),
      kind: fc.oneof(
        { weight: 8, arbitrary: fc.constant('value' as const) },
        { weight: 2, arbitrary: fc.constant('tombstone' as const) },
        { weight: 1, arbitrary: fc.constant('poison' as const) },
      ),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  fault: fc.constantFrom<Fault>('none', 'none', 'refuse', 'cut', 'hang', 'abort'),
  again: fc.nat(5),
});

/** Any batches, any faults, redelivered as Kafka would: in the end the target holds what the records say, in their order. */
export const randomChecks: readonly Check[] = [
  {
    name: 'random batches with random faults end in what the records say',
    async run(subject) {
      const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), (steps) => play(subject, steps));
      const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
      const result = await fc.check(property, {
        numRuns: subject.mode.sharesWith === undefined ? 6 : 3,
        seed,
        interruptAfterTimeLimit: 20_000,
        markInterruptAsFailure: false,
      });
      if (!result.failed) return;
      const cause = result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance);
      throw new Error(`SEED=${seed} after ${result.numRuns} runs\n${JSON.stringify(result.counterexample)}\n${cause}`, {
        cause: result.errorInstance,
      });
    },
  },
];

async function play(subject: Subject, steps: readonly Step[]): Promise<void> {
  await subject.target.reset();
  const keyPrefix = `run-${runs++}-`; // a reset may leave what the target remembers of deleted things
  const sent: KafkaRecord[] = [];
  for (const { records, fault, again } of steps) {
    const fresh = records.flatMap(({ key, kind }) => build(subject, `${keyPrefix}${key}`, kind));
    // A guard also holds when the oldest come again; without one only what is not acknowledged does, and all that followed it.
    const repeated = subject.claims.ordered ? sent.slice(0, again) : sent.slice(Math.max(0, sent.length - again));
    const batch = [...repeated, ...fresh];
    sent.push(...fresh);
    const outcomes = await underFault(subject, fault, batch);
    const failed = outcomes.findIndex((outcome) => kindOf(outcome) === 'retriable');
    // What comes before the first retriable failure is acknowledged and never comes again; all that follows it does.
    const redelivered = failed < 0 ? [] : batch.slice(failed).filter((record) => !isPoison.has(record));
    await deliverAtLast(subject, redelivered);
  }
  await expectThere(subject, model(subject, sent));
}

let runs = 0;
const isPoison = new WeakSet<KafkaRecord>();

function build(subject: Subject, key: string, kind: 'value' | 'tombstone' | 'poison'): KafkaRecord[] {
  if (kind === 'tombstone') return subject.claims.deletes ? [subject.tombstone(key)] : [];
  const record = subject.record(key, ++values);
  if (kind === 'value') return [record];
  if (typeof subject.mode.poison !== 'function') return [];
  const poison = subject.mode.poison(record);
  isPoison.add(poison);
  return [poison];
}

let values = 0;

/** One write while the fault lasts. Nothing may be called delivered, ignored or refused that is not. */
async function underFault(subject: Subject, fault: Fault, batch: readonly KafkaRecord[]): Promise<readonly Outcome[]> {
  const faults: Faults = subject.target.faults ?? { pass: async () => undefined };
  const controller = new AbortController();
  const write = () => subject.writeAll(batch, controller.signal);
  let outcomes: readonly Outcome[];
  if (fault === 'refuse' && faults.refuse !== undefined) {
    await faults.refuse();
    outcomes = await write();
  } else if ((fault === 'cut' || fault === 'hang') && faults.hang !== undefined) {
    await faults.hang();
    const writing = write();
    await sleep(30);
    if (fault === 'cut' && faults.cut !== undefined) await faults.cut();
    else controller.abort();
    if (fault === 'cut') await faults.pass();
    outcomes = await writing;
    await faults.cut?.();
  } else {
    const writing = write();
    if (fault === 'abort') controller.abort();
    outcomes = await writing;
  }
  await faults.pass();
  for (const [index, outcome] of outcomes.entries()) {
    const record = batch[index];
    if (record === undefined) continue;
    const kind = kindOf(outcome);
    if (kind === 'config') throw new Error(`Expected no ConfigError, got ${inWords(outcome)}`);
    if (isPoison.has(record) ? kind === 'delivered' : kind === 'data' && (subject.claims.partial || subject.wrapped))
      throw new Error(`Record ${index} of the batch is ${isPoison.has(record) ? 'poison' : 'good'} and was answered ${kind}`);
  }
  return outcomes;
}

/** What the target holds after all of these in their order. */
function model(subject: Subject, sent: readonly KafkaRecord[]): readonly KafkaRecord[] {
  const good = sent.filter((record) => !isPoison.has(record));
  if (subject.mode.identity === 'none' || subject.mode.identity === 'record') return good;
  const last = new Map<unknown, KafkaRecord>();
  for (const record of good) last.set(subject.id(record), record);
  return [...last.values()].filter(({ value }) => value !== null);
}
