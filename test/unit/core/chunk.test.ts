import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunked } from '../../../lib/core/chunk.ts';
import { ConfigError, DataError, RetriableError } from '../../../lib/core/errors.ts';
import type { KafkaRecord } from '../../../lib/core/record.ts';
import { retrying } from '../../../lib/core/retry.ts';
import type { Outcome, Sink } from '../../../lib/core/sink.ts';
import { fakeClock } from '../../support/clock.ts';
import { record } from '../../support/records.ts';

const { signal } = new AbortController();
const limits = { records: 3, bytes: 1_000 };

function recording(
  write: (records: readonly KafkaRecord[]) => readonly Outcome[],
  identity?: Sink['identity'],
): Sink & { readonly writes: string[][] } {
  const writes: string[][] = [];
  return {
    writes,
    ...(identity === undefined ? {} : { identity }),
    async write(records) {
      writes.push(records.map(({ value }) => String(value)));
      return write(records);
    },
  };
}

const deliverAll = (records: readonly KafkaRecord[]): Outcome[] => records.map(() => 'delivered');
const byKey: Sink['identity'] = ({ key }) => String(key);

describe('chunked', () => {
  it('cuts by records and keeps the order', async () => {
    const sink = recording(deliverAll);
    const outcomes = await chunked(sink, limits, { ordered: true }).write(
      ['a', 'b', 'c', 'd'].map((value) => record(value, value)),
      { signal },
    );
    expect(sink.writes).toEqual([['a', 'b', 'c'], ['d']]);
    expect(outcomes).toEqual(['delivered', 'delivered', 'delivered', 'delivered']);
  });

  it('cuts by bytes, and sends a record that is too large on its own', async () => {
    const sink = recording(deliverAll);
    const sized = (value: string, size: number): KafkaRecord => ({ ...record(value, value), size });
    await chunked(sink, limits, { ordered: true }).write([sized('a', 600), sized('b', 600), sized('c', 5_000), sized('d', 1)], { signal });
    expect(sink.writes).toEqual([['a'], ['b'], ['c'], ['d']]);
  });

  it('gives a sink that is not ordered one record per identity at a time, and those of one identity in order', async () => {
    const sink = recording(deliverAll, byKey);
    await chunked(sink, { records: 10, bytes: 1_000 }, { ordered: false }).write(
      [record('k', 'k1'), record('l', 'l1'), record('k', 'k2'), record('k', 'k3')],
      { signal },
    );
    expect(sink.writes).toEqual([['k1', 'l1'], ['k2'], ['k3']]);
  });

  it('gives an ordered sink all records of an identity at once', async () => {
    const sink = recording(deliverAll, byKey);
    await chunked(sink, limits, { ordered: true }).write([record('k', 'k1'), record('k', 'k2')], { signal });
    expect(sink.writes).toEqual([['k1', 'k2']]);
  });

  it('sends nothing later of a partition after a retriable failure in it, where the sink is not ordered', async () => {
    const sink = recording((records) => records.map(({ value }) => (value === 'a1' ? new RetriableError('DOWN', 'down') : 'delivered')));
    const inPartition = (value: string, partition: number) => record(value, value, { partition });
    const outcomes = await chunked(sink, { records: 2, bytes: 1_000 }, { ordered: false }).write(
      [inPartition('a1', 0), inPartition('b1', 1), inPartition('a2', 0), inPartition('b2', 1)],
      { signal },
    );
    expect(sink.writes).toEqual([['a1', 'b1'], ['b2']]);
    expect(outcomes[2]).toMatchObject({ code: 'HELD_BACK' });
    expect(outcomes[3]).toBe('delivered');
  });

  it('sends nothing later of a partition after a config error in it, where the sink is not ordered', async () => {
    const wrong = new ConfigError('WRONG', 'wrong');
    const sink = recording((records) => records.map(({ value }) => (value === 'a' ? wrong : 'delivered')));
    const outcomes = await chunked(sink, { records: 1, bytes: 1_000 }, { ordered: false }).write(
      ['a', 'b'].map((value) => record(value, value)),
      { signal },
    );
    expect(sink.writes).toEqual([['a']]);
    expect(outcomes).toEqual([wrong, wrong]);
  });

  it('leaves nothing to retry after a wrong setting, as what comes later must not be written first', async () => {
    const sink = recording(([first]) => {
      if (first?.value === 'a') throw new ConfigError('WRONG', 'wrong');
      return ['delivered'];
    });
    const policy = { baseMs: 1, capMs: 1, maxElapsedMs: 1_000 };
    const wrapped = retrying(chunked(sink, { records: 1, bytes: 1_000 }, { ordered: false }), policy, { clock: fakeClock() });
    await wrapped.write(
      ['a', 'b'].map((value) => record(value, value)),
      { signal },
    );
    expect(sink.writes).toEqual([['a']]);
  });

  it('narrows a data error that was thrown for a whole piece down to its record', async () => {
    const sink = recording((records) => {
      if (records.some(({ value }) => value === 'bad')) throw new DataError('BAD', 'bad');
      return deliverAll(records);
    });
    const outcomes = await chunked(sink, limits, { ordered: true }).write(
      ['a', 'bad', 'c'].map((value) => record(value, value)),
      { signal },
    );
    expect(outcomes.map((outcome) => (typeof outcome === 'string' ? outcome : outcome.code))).toEqual(['delivered', 'BAD', 'delivered']);
  });

  it.each([
    ['an outage', new RetriableError('DOWN', 'down')],
    ['a wrong setting', new ConfigError('WRONG', 'wrong')],
    ['something unknown', new Error('?')],
  ])('does not send the rest after %s was thrown', async (_, error) => {
    const sink = recording(() => {
      throw error;
    });
    const outcomes = await chunked(sink, limits, { ordered: true }).write(
      ['a', 'b', 'c', 'd'].map((value) => record(value, value)),
      { signal },
    );
    expect(sink.writes).toHaveLength(1);
    expect(outcomes.every((outcome) => typeof outcome !== 'string' && outcome.class !== 'data')).toBe(true);
  });

  it('takes an answer for too few records as a failure of all', async () => {
    const sink = recording((records) => deliverAll(records.slice(1)));
    const outcomes = await chunked(sink, limits, { ordered: true }).write([record('a', 'a'), record('b', 'b')], { signal });
    expect(outcomes.map((outcome) => typeof outcome !== 'string' && outcome.message)).toEqual(
      Array(2).fill('Sink answered for 1 of 2 records.'),
    );
  });

  it('sends every record exactly once, whatever the sizes, keys and limits', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), partition: fc.nat({ max: 1 }), size: fc.nat({ max: 50 }) }), {
          maxLength: 30,
        }),
        fc.record({ records: fc.integer({ min: 1, max: 8 }), bytes: fc.integer({ min: 1, max: 100 }) }),
        fc.boolean(),
        async (inputs, anyLimits, ordered) => {
          const sink = recording(deliverAll, byKey);
          const records = inputs.map(({ key, partition, size }, index) => ({ ...record(key, `${key}${index}`, { partition }), size }));
          const outcomes = await chunked(sink, anyLimits, { ordered }).write(records, { signal });
          expect(outcomes).toEqual(deliverAll(records));
          expect(sink.writes.flat().sort()).toEqual(records.map(({ value }) => value).sort());
          expect(sink.writes.every((piece) => piece.length <= anyLimits.records)).toBe(true);
          for (const key of ['a', 'b', 'c']) {
            const own = (values: readonly string[]) => values.filter((value) => value.startsWith(key));
            expect(own(sink.writes.flat())).toEqual(own(records.map(({ value }) => String(value))));
            if (!ordered) expect(sink.writes.every((piece) => own(piece).length <= 1)).toBe(true);
          }
        },
      ),
    ));
});
