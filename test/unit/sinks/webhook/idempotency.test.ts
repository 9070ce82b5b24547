import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchId, recordIds } from '../../../../lib/sinks/webhook/idempotency.ts';
import { record } from '../../../support/records.ts';

const idOf = recordIds('my connector');
const at = (offset: number, options: object = {}) => record('a', 1, { offset, ...options });

describe('ids', () => {
  it('are made of connector, version and part, not of where a letter was read', () => {
    const original = at(5, { epoch: 2, part: 1, partition: 3 });
    expect(idOf(original)).toBe('my%20connector:orders:3:2:5:1');
    expect(idOf({ ...original, origin: { topic: 'orders.dlq', partition: 0, offset: 99 } })).toBe(idOf(original));
  });

  it('stay short enough for a header', () => {
    expect(idOf(at(5, { topic: 'x'.repeat(249) }))).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('of a batch name its first and last record where nothing is missing', () => {
    expect(batchId([at(5), at(6), at(7)], idOf)).toBe('my%20connector:orders:0:0:5:0..7:0');
    expect(batchId([at(5)], idOf)).toBe(idOf(at(5)));
  });

  it('of two batches are the same only for the same records', () => {
    const place = fc.record({ offset: fc.nat(4), partition: fc.nat(1), part: fc.nat(1), epoch: fc.nat(1) });
    const batch = fc.uniqueArray(place, { minLength: 1, maxLength: 5, selector: (each) => JSON.stringify(each) });
    fc.assert(
      fc.property(batch, batch, (one, other) => {
        const [a, b] = [one, other].map((places) => places.map((place) => at(place.offset, place)));
        const same = JSON.stringify(one) === JSON.stringify(other);
        expect(batchId(a!, idOf) === batchId(b!, idOf)).toBe(same);
      }),
      { numRuns: 500 },
    );
  });
});
