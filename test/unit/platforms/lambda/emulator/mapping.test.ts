import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../../../lib/platforms/lambda/emulator/answer.ts';
import { type MappingReport, runMapping } from '../../../../../lib/platforms/lambda/emulator/mapping.ts';
import { parseEvents, recordedEvents } from '../../../../../lib/platforms/lambda/emulator/recorded-events.ts';
import { type KafkaTriggerEvent, toEvent } from '../../../../../lib/platforms/lambda/event.ts';
import { sourceRecord } from '../../../../support/records.ts';

const eventOf = (...offsets: number[]) => toEvent(offsets.map((offset) => sourceRecord('k', '{}', { offset })));
const offsetsOf = (event: KafkaTriggerEvent) => Object.values(event.records).flatMap((list) => list.map(({ offset }) => offset));
const success: Answer = { kind: 'response', response: { batchItemFailures: [] } };
const error: Answer = { kind: 'error', name: 'Error', message: 'down' };
const failedFrom = (offset: number): Answer => ({
  kind: 'response',
  response: { batchItemFailures: [{ itemIdentifier: { partition: 'orders-0', offset } }] },
});

async function run(
  events: readonly KafkaTriggerEvent[],
  answers: readonly Answer[],
  { mode = 'batch' as 'batch' | 'partial', maxAttempts = 3, abortAt = 99 } = {},
) {
  const invoked: number[][] = [];
  const slept: number[] = [];
  const reports: MappingReport[] = [];
  const stop = new AbortController();
  const end = await runMapping({
    source: recordedEvents(events),
    invoke: async (event) => {
      invoked.push(offsetsOf(event));
      if (invoked.length === abortAt) stop.abort();
      return answers[invoked.length - 1] ?? success;
    },
    mode,
    maxAttempts,
    signal: stop.signal,
    sleep: async (ms) => void slept.push(ms),
    report: (report) => reports.push(report),
  });
  return { end, invoked, slept, reports };
}

describe('runMapping', () => {
  it('delivers one event after the other', async () => {
    const { end, invoked } = await run([eventOf(1, 2), eventOf(3)], []);
    expect(invoked).toEqual([[1, 2], [3]]);
    expect(end).toBe('ended');
  });

  it('repeats the same event with growing pauses until it goes through', async () => {
    const { invoked, slept } = await run([eventOf(1, 2), eventOf(3)], [error, error]);
    expect(invoked).toEqual([[1, 2], [1, 2], [1, 2], [3]]);
    expect(slept).toEqual([500, 1_000]);
  });

  it('gives up when the same records failed too often', async () => {
    const { end, invoked } = await run([eventOf(1), eventOf(2)], [error, error, error]);
    expect(end).toBe('gaveUp');
    expect(invoked).toEqual([[1], [1], [1]]);
  });

  it('delivers what was not acknowledged again, in partial mode', async () => {
    const { invoked, end } = await run([eventOf(1, 2, 3)], [failedFrom(2), failedFrom(3)], { mode: 'partial' });
    expect(invoked).toEqual([[1, 2, 3], [2, 3], [3]]);
    expect(end).toBe('ended');
  });

  it('counts an answer that acknowledges nothing as a failed attempt', async () => {
    const { end, invoked } = await run([eventOf(1, 2)], [failedFrom(1), failedFrom(1), failedFrom(1)], { mode: 'partial' });
    expect(end).toBe('gaveUp');
    expect(invoked).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });

  it('says aloud that failures are lost in batch mode', async () => {
    const { reports } = await run([eventOf(1, 2)], [failedFrom(2)]);
    expect(reports).toContainEqual({ kind: 'lost', records: 1 });
  });

  it('ends when it is told to, without another attempt', async () => {
    const { end, invoked } = await run([eventOf(1), eventOf(2)], [error], { abortAt: 1 });
    expect(end).toBe('ended');
    expect(invoked).toEqual([[1]]);
  });
});

describe('parseEvents', () => {
  const one = eventOf(1);
  it.each([
    ['one event', JSON.stringify(one, null, 2), 1],
    ['a list', JSON.stringify([one, eventOf(2)]), 2],
    ['one a line', `${JSON.stringify(one)}\n\n${JSON.stringify(eventOf(2))}\n`, 2],
    ['a failure document with its event as text', JSON.stringify({ requestContext: {}, payload: JSON.stringify(one) }), 1],
    ['a failure document with its event', JSON.stringify({ requestContext: {}, payload: one }), 1],
  ])('reads %s', (_, text, count) => {
    expect(parseEvents(text, 'events.json').map(offsetsOf)).toEqual([[1], [2]].slice(0, count));
  });

  it.each([
    ['a line that is no JSON', `${JSON.stringify(one)}\nnonsense\n`, 'events.json:2'],
    ['an event of something else', '{"Records":[]}', 'events.json, event 1'],
    ['a value that is not base64', JSON.stringify(one).replace('e30=', 'e3*='), 'events.json, event 1'],
  ])('refuses %s and says where', (_, text, expected) => {
    expect(() => parseEvents(text, 'events.json')).toThrow(expected);
  });
});
