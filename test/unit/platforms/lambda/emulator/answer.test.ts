import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, resolveAnswer } from '../../../../../lib/platforms/lambda/emulator/answer.ts';
import type { KafkaTriggerEvent } from '../../../../../lib/platforms/lambda/event.ts';

const record = (partition: number, offset: number) =>
  ({ topic: 'orders', partition, offset, timestamp: 1, timestampType: 'CREATE_TIME' }) as const;
const event: KafkaTriggerEvent = {
  eventSource: 'SelfManagedKafka',
  records: { 'orders-0': [record(0, 10), record(0, 12), record(0, 13)], 'orders-1': [record(1, 5)] },
};
const failing = (...identifiers: unknown[]): Answer => ({
  kind: 'response',
  response: { batchItemFailures: identifiers.map((itemIdentifier) => ({ itemIdentifier })) },
});
const all = [
  { topic: 'orders', partition: 0, offset: 14 },
  { topic: 'orders', partition: 1, offset: 6 },
];

describe('the event source mapping', () => {
  it.each([[undefined], [null], [{}], [{ batchItemFailures: [] }], [{ batchItemFailures: null }], ['text']])(
    'takes %j for success, in both modes',
    (response) => {
      for (const mode of ['batch', 'partial'] as const)
        expect(resolveAnswer({ kind: 'response', response }, event, mode)).toMatchObject({ kind: 'settled', next: all, unseenFailures: 0 });
    },
  );

  it.each<Answer>([
    { kind: 'error', name: 'RetriableError', message: 'down', code: 'SINK_UNAVAILABLE' },
    { kind: 'timeout', afterMs: 3_000 },
    { kind: 'crash', message: 'gone' },
  ])('repeats the batch after $kind', (answer) => {
    for (const mode of ['batch', 'partial'] as const) expect(resolveAnswer(answer, event, mode).kind).toBe('repeat');
  });

  it('does not look at failures in batch mode, which loses them', () => {
    expect(resolveAnswer(failing({ partition: 'orders-0', offset: 12 }), event, 'batch')).toMatchObject({
      kind: 'settled',
      next: all,
      unseenFailures: 1,
    });
  });

  it('commits up to the lowest listed offset in partial mode', () => {
    const answer = failing({ partition: 'orders-0', offset: 13 }, { partition: 'orders-0', offset: 12 });
    expect(resolveAnswer(answer, event, 'partial')).toEqual({
      kind: 'settled',
      next: [
        { topic: 'orders', partition: 0, offset: 11 },
        { topic: 'orders', partition: 1, offset: 6 },
      ],
      againFrom: new Map([['orders-0', 12]]),
      unseenFailures: 0,
    });
  });

  it.each([
    ['the identifier of a queue', 'message-1'],
    ['an unknown partition', { partition: 'orders-7', offset: 5 }],
    ['an offset that was not in the event', { partition: 'orders-0', offset: 11 }],
    ['an offset as text', { partition: 'orders-0', offset: '12' }],
    ['an inherited name', { partition: 'constructor', offset: 1 }],
  ])('repeats the whole batch for %s', (_, identifier) => {
    expect(resolveAnswer(failing(identifier), event, 'partial').kind).toBe('repeat');
  });

  it('never commits a listed record or anything after it', () => {
    const places = Object.entries(event.records).flatMap(([partition, list]) => list.map(({ offset }) => ({ partition, offset })));
    fc.assert(
      fc.property(fc.subarray(places), (listed) => {
        const resolution = resolveAnswer(failing(...listed), event, 'partial');
        if (resolution.kind !== 'settled') throw new Error('expected it to be settled');
        for (const { partition, offset } of listed) {
          const next = resolution.next.find((each) => `${each.topic}-${each.partition}` === partition);
          expect(next === undefined || next.offset <= offset).toBe(true);
        }
      }),
    );
  });
});
