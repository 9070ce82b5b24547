import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advanced, isWritten, type Position } from '../../../../lib/sinks/postgres/offsets/position.ts';
import { record } from '../../../support/records.ts';

const at = (offset: number, more: object = {}) => record(null, {}, { offset, timestamp: 1_000 + offset, ...more });
const good = (offset: number, more: object = {}) => ({ record: at(offset, more), isRefused: false });
const bad = (offset: number, more: object = {}) => ({ record: at(offset, more), isRefused: true });

describe('the position of a partition', () => {
  it('covers what was written, not what was refused, left out or came before the first', () => {
    const position = advanced(undefined, [good(10), bad(11), good(13), good(14, { part: 0 }), good(14, { part: 1 })], 5_000);
    const written = [9, 10, 11, 12, 13, 14, 15].filter((offset) => isWritten(position, at(offset)));
    expect(written).toEqual([10, 13, 14]);
    expect(isWritten(position, at(14, { part: 1 }))).toBe(true);
    expect(isWritten(position, at(14, { part: 2 }))).toBe(false);
    const healed = advanced(position, [good(11), good(12), good(9)], 6_000);
    expect([8, 9, 10, 11, 12, 13, 14].filter((offset) => isWritten(healed, at(offset)))).toEqual([9, 10, 11, 12, 13, 14]);
    expect(healed.offset).toBe(14);
  });

  it('forgets gaps that were acknowledged long ago, and never what came before the first record', () => {
    let position = advanced(undefined, [good(50), good(52)], 0);
    position = advanced(position, [good(100_000)], 0);
    expect(isWritten(position, at(51))).toBe(true);
    expect(isWritten(position, at(49))).toBe(false);
    expect(position.gaps).toEqual([
      [0, 49],
      [53, 99_999],
    ]);
  });

  it('tells a topic that was created again, and not a producer whose clock is ahead', () => {
    const ahead = { record: { ...at(5), timestamp: 90_000 }, isRefused: false };
    const position = advanced(undefined, [good(4), ahead, good(6)], 5_000);
    expect(isWritten(position, ahead.record)).toBe(true);
    expect(() => isWritten(position, { ...at(4), timestamp: 95_000 })).toThrow(/connector\.epoch/);
    expect(() => isWritten(position, { ...at(6), timestamp: 7 })).toThrow(/created again/);
  });

  it('covers exactly what was written, in whatever order and pieces it came', () => {
    const piece = fc.array(fc.record({ offset: fc.integer({ min: 0, max: 30 }), isRefused: fc.boolean() }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        let position: Position | undefined;
        const written = new Set<number>();
        for (const each of pieces) {
          const fresh = each.filter(
            ({ offset }, index) => !written.has(offset) && each.findIndex((other) => other.offset === offset) === index,
          );
          if (fresh.length === 0) continue;
          position = advanced(
            position,
            fresh.map(({ offset, isRefused }) => ({ record: at(offset), isRefused })),
            0,
          );
          for (const { offset, isRefused } of fresh) if (!isRefused) written.add(offset);
        }
        for (let offset = 0; offset <= 31; offset++) expect(isWritten(position, at(offset))).toBe(written.has(offset));
      }),
    );
  });
});
