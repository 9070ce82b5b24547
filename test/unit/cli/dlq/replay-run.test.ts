import { describe, expect, it } from 'vitest';
import { readLetter } from '../../../../lib/cli/dlq/dead-letter.ts';
import type { Destination, Replayed } from '../../../../lib/cli/dlq/destination.ts';
import { collapse, type Failure } from '../../../../lib/cli/dlq/groups.ts';
import type { Mark } from '../../../../lib/cli/dlq/journal.ts';
import { type ReplayOptions, replayAll } from '../../../../lib/cli/dlq/replay-run.ts';
import type { LogInspector } from '../../../../lib/clients/kafka/log-inspector.ts';
import { ConfigError, DataError, RetriableError } from '../../../../lib/core/errors.ts';
import { headerOnly, type Letter } from '../../../../lib/core/letter.ts';
import type { SourceOutcome } from '../../../../lib/core/outcome.ts';
import type { SourceRecord } from '../../../../lib/core/record.ts';
import { fakeClock } from '../../../support/clock.ts';
import { letterOf, letterRecord } from './letters.ts';

/** A cluster that holds these records. */
function inspectorOf(records: readonly SourceRecord[]): LogInspector {
  const own = (topic: string) => records.filter(({ origin }) => origin.topic === topic);
  const unused = () => Promise.reject(new Error('not expected'));
  return {
    describe: unused,
    tail: unused,
    destroy: () => undefined,
    async offsets(topic, edge) {
      const partitions = Map.groupBy(own(topic), ({ origin }) => origin.partition);
      return new Map(
        [...partitions].map(([partition, each]) => {
          const offsets = each.map(({ origin }) => origin.offset);
          return [partition, edge === 'first' ? Math.min(...offsets) : Math.max(...offsets) + 1];
        }),
      );
    },
    async head(topic, partition, from, count) {
      return own(topic)
        .filter(({ origin }) => origin.partition === partition && origin.offset >= from)
        .slice(0, count);
    },
  };
}

const letterRecords = (count: number) => Array.from({ length: count }, (_, at) => letterRecord({ at, offset: at }));
const failuresOf = (records: readonly SourceRecord[]): readonly Failure[] => collapse(records.map(readLetter));

function destinationThat(answer: (replayed: Replayed) => SourceOutcome): Destination & { readonly batches: (readonly Replayed[])[] } {
  const batches: (readonly Replayed[])[] = [];
  return {
    words: 'somewhere',
    batches,
    refusal: () => undefined,
    async send(letters) {
      batches.push(letters);
      return letters.map(answer);
    },
    close: async () => undefined,
  };
}

async function replay(
  records: readonly SourceRecord[],
  answer: (replayed: Replayed) => SourceOutcome,
  more: Partial<ReplayOptions> & { readonly failures?: readonly Failure[] } = {},
) {
  const marks: Mark[] = [];
  const destination = destinationThat(answer);
  const clock = fakeClock();
  const result = await replayAll(more.failures ?? failuresOf(records), {
    inspector: inspectorOf(records),
    destination,
    edit: undefined,
    clock,
    signal: new AbortController().signal,
    settled: async (own) => void marks.push(...own),
    progress: () => undefined,
    ...more,
  });
  return { result, destination, marks, clock };
}

const offsets = (marks: readonly Mark[], outcome: Mark['outcome']) =>
  marks.flatMap((mark) => (mark.outcome === outcome ? [mark.place.offset] : []));

describe('a replay', () => {
  it('marks what became of each letter, and counts it', async () => {
    const answers: readonly SourceOutcome[] = ['delivered', 'ignored', 'dropped', new DataError('NO', 'no')];
    const { result, marks } = await replay(letterRecords(4), ({ letter }) => answers[letter.place.offset]!);
    expect(result.counts).toEqual({ letters: 4, done: 4, delivered: 1, ignored: 1, dropped: 1, failed: 1, skipped: 0 });
    expect(offsets(marks, 'replayed')).toEqual([0, 1, 2]);
    expect(offsets(marks, 'failed')).toEqual([3]);
  });

  it.each([
    ['an outage', new RetriableError('DOWN', 'down')],
    ['a wrong setting', new ConfigError('WRONG', 'wrong')],
  ])('ends at %s, with nothing marked that was not delivered', async (_, error) => {
    const { result, marks, destination } = await replay(letterRecords(600), ({ letter }) =>
      letter.place.offset === 501 ? error : 'delivered',
    );
    expect(result.stoppedBy).toBe(error);
    expect(destination.batches).toHaveLength(2);
    expect(offsets(marks, 'replayed')).toHaveLength(599);
    expect(offsets(marks, 'replayed')).not.toContain(501);
    expect(result.counts.done).toBe(599);
  });

  it('marks all letters of a failure that is sent once', async () => {
    const records = [letterRecord({ at: 0 }), letterRecord({ at: 1 })];
    const { marks, destination } = await replay(records, () => 'delivered');
    expect(destination.batches.flat()).toHaveLength(1);
    expect(offsets(marks, 'replayed')).toEqual([0, 1]);
  });

  it('keeps to its rate', async () => {
    const { clock, destination } = await replay(letterRecords(25), () => 'delivered', { rate: 10 });
    expect(destination.batches.map((batch) => batch.length)).toEqual([10, 10, 5]);
    expect(clock.pauses).toEqual([1_000, 1_000]);
  });

  it('ends after the batch that is under way when it is interrupted', async () => {
    const stop = new AbortController();
    const { result, marks } = await replay(letterRecords(600), () => 'delivered', { signal: stop.signal, progress: () => stop.abort() });
    expect(result.isInterrupted).toBe(true);
    expect(marks).toHaveLength(500);
  });

  it('was not interrupted when the request came after its last batch', async () => {
    const stop = new AbortController();
    const { result } = await replay(letterRecords(3), () => 'delivered', { signal: stop.signal, progress: () => stop.abort() });
    expect(result.isInterrupted).toBe(false);
  });

  it('sends the record as it was, without what the letter says', async () => {
    const headers = [{ key: 'a', value: Buffer.from('1') }];
    const { destination } = await replay([letterRecord({ source: { headers } })], () => 'delivered');
    const [sent] = destination.batches.flat();
    expect(sent!.record).toMatchObject({ headers, timestamp: 5, origin: { topic: 'orders.dlq', partition: 0, offset: 0 } });
    expect(String(sent!.record.value)).toBe('v');
  });

  it('fetches what was too large for a letter from where it came from, and names what is gone there', async () => {
    const whole = (offset: number) => {
      const record = letterRecord({ at: offset, offset });
      const bare = headerOnly({ ...record, version: { ...record.origin, epoch: 0 }, part: 0 } satisfies Letter);
      return { ...record, headers: bare.headers, key: null, value: null };
    };
    const letters = [whole(1), whole(2)];
    const original: SourceRecord = {
      origin: { topic: 'orders', partition: 2, offset: 2 },
      timestamp: 5,
      timestampType: 'create',
      headers: [{ key: 'a', value: Buffer.from('1') }],
      key: Buffer.from('key'),
      value: Buffer.from('large'),
    };
    const { result, destination, marks } = await replay([...letters, original], () => 'delivered', { failures: failuresOf(letters) });
    expect(destination.batches.flat().map(({ record }) => [String(record.key), String(record.value), record.headers.length])).toEqual([
      ['key', 'large', 1],
    ]);
    expect(result.held).toEqual([{ place: letters[0]!.origin, because: expect.stringContaining('holds no bytes') }]);
    expect(offsets(marks, 'replayed')).toEqual([2]);
  });

  it('leaves what its edit leaves, and marks nothing that the edit could not change', async () => {
    const { result, marks, destination } = await replay(letterRecords(3), () => 'delivered', {
      edit: async ({ place }, record) => {
        if (place.offset === 0) return null;
        if (place.offset === 1) throw new DataError('EDIT_FAILED', 'no');
        return { ...record, value: Buffer.from('new') };
      },
    });
    expect(destination.batches.flat().map(({ record }) => String(record.value))).toEqual(['new']);
    expect(result.counts).toMatchObject({ done: 3, delivered: 1, failed: 1, skipped: 1 });
    expect(marks).toEqual([{ place: letterOf({ at: 2 }).place, outcome: 'replayed' }]);
  });
});
