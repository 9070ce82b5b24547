import { describe, expect, it } from 'vitest';
import { type StoredVersion, settleByVersion } from '../../../../lib/sinks/postgres/guard.ts';
import { record } from '../../../support/records.ts';

const stored: StoredVersion = { topic: 'orders', partition: 1, offset: 10, epoch: 1, part: 0, writtenAt: 1_000 };
const outcome = (options: object, guard: 'version' | 'field' = 'version'): string => {
  const made = record('a', { n: 1 }, { topic: 'orders', partition: 1, offset: 10, epoch: 1, timestamp: 500, ...options });
  const found = settleByVersion(made, stored, guard === 'version' ? { type: 'version' } : { type: 'field', column: 'n' });
  return typeof found === 'string' ? found : found.code;
};

describe('a record that the guard may have kept out', () => {
  it.each<[string, object, string]>([
    ['the same version', {}, 'delivered'],
    ['a lower offset', { offset: 9 }, 'ignored'],
    ['a lower offset, produced after the row was written', { offset: 9, timestamp: 1_001 }, 'GUARD_AHEAD'],
    ['a lower offset, produced just when the row was written', { offset: 9, timestamp: 1_000 }, 'ignored'],
    ['another partition', { partition: 2, offset: 99 }, 'GUARD_AHEAD'],
    ['another topic', { topic: 'orders2', offset: 1 }, 'GUARD_AHEAD'],
    ['a lower epoch of another partition', { partition: 2, offset: 99, epoch: 0 }, 'ignored'],
    ['a lower epoch, produced later', { offset: 99, epoch: 0, timestamp: 2_000 }, 'ignored'],
    ['a higher offset', { offset: 11 }, 'SINK_LOST_RACE'],
    ['a higher epoch', { partition: 2, offset: 1, epoch: 2 }, 'SINK_LOST_RACE'],
  ])('%s is %s', (_, options, expected) => {
    expect(outcome(options)).toBe(expected);
  });

  it('of the same offset is older by its part, whatever the clocks say', () => {
    const version = { ...stored, part: 3 };
    const older = record('a', {}, { topic: 'orders', partition: 1, offset: 10, epoch: 1, part: 2, timestamp: 9_999 });
    expect(settleByVersion(older, version, { type: 'version' })).toBe('ignored');
  });

  it('is older where a field decides, wherever it comes from', () => {
    expect(outcome({ partition: 2, offset: 99 }, 'field')).toBe('ignored');
  });
});
