import { describe, expect, it } from 'vitest';
import { letterFilter, parseTime } from '../../../../lib/cli/dlq/filter.ts';
import { checkGroup, collapse, groupsOf, isDone, shortIds } from '../../../../lib/cli/dlq/groups.ts';
import { replayHeaders } from '../../../../lib/cli/dlq/to-sink.ts';
import type { Origin } from '../../../../lib/core/record.ts';
import { letterOf } from './letters.ts';

const none = { isReplayed: () => false };
const replayed = (...offsets: number[]) => ({ isReplayed: ({ offset }: Origin) => offsets.includes(offset) });

describe('failures', () => {
  it('are one for all letters of a record and its failed parts', () => {
    const letters = [
      letterOf({ at: 0 }),
      letterOf({ at: 1 }),
      letterOf({ at: 2, failedParts: [1] }),
      letterOf({ at: 3, connector: 'other' }),
    ];
    expect(collapse(letters).map((failure) => failure.letters.map(({ place }) => place.offset))).toEqual([[0, 1], [2], [3]]);
  });

  it('are shown by the letter of the last attempt', () => {
    const first = letterOf({ at: 0 });
    const source = { origin: { topic: 'replays', partition: 0, offset: 1 }, headers: replayHeaders(first) };
    const [failure] = collapse([first, letterOf({ at: 1, source })]);
    expect(failure!.letter.place.offset).toBe(1);
  });

  it('are done once any of their letters was replayed, until a letter tells of a later attempt', () => {
    const first = letterOf({ at: 0 });
    const copy = letterOf({ at: 1 });
    const source = { origin: { topic: 'replays', partition: 0, offset: 1 }, headers: replayHeaders(first) };
    const later = letterOf({ at: 2, source });
    expect(isDone(collapse([first, copy])[0]!, replayed(0))).toBe(true);
    expect(isDone(collapse([first, copy])[0]!, replayed(5))).toBe(false);
    expect(isDone(collapse([first, copy, later])[0]!, replayed(0, 1))).toBe(false);
    expect(isDone(collapse([first, copy, later])[0]!, replayed(0, 1, 2))).toBe(true);
  });

  it('are grouped by connector and kind, the largest group first', () => {
    const letters = [
      letterOf({ at: 0, offset: 1, message: 'value 5 is too large', now: 100 }),
      letterOf({ at: 1, offset: 2, message: 'value 77 is too large', now: 300 }),
      letterOf({ at: 2, offset: 2, message: 'value 77 is too large', now: 300 }),
      letterOf({ at: 3, offset: 3, code: 'OTHER', now: 200 }),
      letterOf({ at: 4, offset: 1, connector: 'b', now: 400 }),
    ];
    const groups = groupsOf(collapse(letters), none);
    expect(groups.map(({ connector, code, waiting, firstSeen, lastSeen }) => [connector, code, waiting, firstSeen, lastSeen])).toEqual([
      ['orders', 'SINK_REJECTED_RECORD', 2, 100, 300],
      ['b', 'SINK_REJECTED_RECORD', 1, 400, 400],
      ['orders', 'OTHER', 1, 200, 200],
    ]);
    expect(groupsOf(collapse(letters), replayed(0, 3))[0]).toMatchObject({ waiting: 1 });
  });

  it('have ids as short as tells them apart', () => {
    expect(['7f3a0000', 'c01d0000'].map(shortIds(['7f3a0000', 'c01d0000']))).toEqual(['7f3a', 'c01d']);
    expect(['7f3a0000', '7f3a1000'].map(shortIds(['7f3a0000', '7f3a1000']))).toEqual(['7f3a0', '7f3a1']);
  });

  it('are found by the beginning of a group’s id that fits one group', () => {
    const letters = [
      { ...letterOf(), fingerprint: '7f3a0000' },
      { ...letterOf(), fingerprint: '7f3b0000' },
    ];
    expect(() => checkGroup('7f3a', letters)).not.toThrow();
    expect(() => checkGroup('7f3', letters)).toThrow('--group 7f3 fits 7f3a, 7f3b. Write more of it.');
    expect(() => checkGroup('00', letters)).toThrow('There is no group 00. There are 7f3a, 7f3b.');
    expect(() => checkGroup('00', [])).toThrow('There are no letters');
  });
});

describe('filters', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');

  it.each([
    ['a topic', 'orders', true],
    ['a partition', 'orders-2', true],
    ['a record', 'orders-2@17', true],
    ['another record', 'orders-2@1', false],
    ['the beginning of a topic', 'order', false],
  ])('know letters by their origin: %s', (_, origin, expected) => {
    expect(letterFilter({ origin }, now)(letterOf({ offset: 17 }))).toBe(expected);
  });

  it('take failures from a time on, up to another', () => {
    const at = (time: number) => letterOf({ now: time });
    const isMeant = letterFilter({ since: '2h', until: '2026-03-01T11:30:00Z' }, now);
    expect([now - 7_200_001, now - 7_200_000, now - 1_800_001, now - 1_800_000].map((time) => isMeant(at(time)))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it.each(['yesterday', '2x', '17', ''])('refuse %j as a time, and say what is one', (text) => {
    expect(() => parseTime(text, '--since', now)).toThrow('Expected --since to be how long ago (30m, 2h, 7d) or a time');
  });

  it('refuse a group that is none', () => {
    expect(() => letterFilter({ group: 'SINK' }, now)).toThrow('Expected --group to be the id of a group');
  });
});
