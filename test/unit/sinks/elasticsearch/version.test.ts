import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, DataError } from '../../../../lib/core/errors.ts';
import { compareVersions, type KafkaRecord } from '../../../../lib/core/record.ts';
import { guardVersion, packVersion, versionBounds } from '../../../../lib/sinks/elasticsearch/version.ts';
import { record } from '../../../support/records.ts';

const at = (epoch: number, offset: number, part: number): KafkaRecord => record('a', {}, { epoch, offset, part });
const position = fc
  .tuple(
    fc.nat(versionBounds.epoch - 1),
    fc.oneof(fc.nat(20), fc.integer({ min: 0, max: versionBounds.offset - 1 }), fc.constant(versionBounds.offset - 1)),
    fc.oneof(fc.nat(2), fc.nat(versionBounds.part - 1), fc.constant(versionBounds.part - 1)),
  )
  .map(([epoch, offset, part]) => at(epoch, offset, part));

describe('packVersion', () => {
  it('orders any two records as epoch, offset and part do', () => {
    const property = fc.property(position, position, (a, b) => {
      const [first, second] = [BigInt(packVersion(a)), BigInt(packVersion(b))];
      const order = first < second ? -1 : first > second ? 1 : 0;
      expect(order).toBe(Math.sign(compareVersions(a, b)));
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  it('is a JSON number that fits into a signed long', () => {
    fc.assert(
      fc.property(position, (each) => {
        const text = packVersion(each);
        expect(text).toMatch(/^(?:0|[1-9]\d*)$/);
        expect(BigInt(text)).toBeLessThan(2n ** 63n);
      }),
    );
    expect(BigInt(packVersion(at(versionBounds.epoch - 1, versionBounds.offset - 1, versionBounds.part - 1)))).toBeLessThan(2n ** 63n);
  });

  it('can be read by a person', () => {
    expect(packVersion(at(0, 1842, 0))).toBe('18420000');
    expect(packVersion(at(0, 1842, 7))).toBe('18420007');
    expect(packVersion(at(2, 1842, 0))).toBe('200000000018420000');
    expect(packVersion(at(0, 0, 0))).toBe('0');
    expect(packVersion(at(0, 0, 12))).toBe('12');
  });

  it('refuses an epoch or an offset that does not fit as a matter of configuration, and a part as the fault of its record', () => {
    expect(() => packVersion(at(versionBounds.epoch, 0, 0))).toThrow(ConfigError);
    expect(() => packVersion(at(0, versionBounds.offset, 0))).toThrow(ConfigError);
    expect(() => packVersion(at(0, 0, versionBounds.part))).toThrow(DataError);
    expect(() => packVersion(at(-1, 0, 0))).toThrow(ConfigError);
  });
});

describe('guardVersion', () => {
  const one = record('a', {});

  it.each([
    [0, '0'],
    [9_007_199_254_740_993n, '9007199254740993'],
    [2n ** 63n - 1n, '9223372036854775807'],
    ['0042', '42'],
    ['2026-11-21T22:43:00.250Z', String(Date.UTC(2026, 10, 21, 22, 43, 0, 250))],
    ['2026-11-21', String(Date.UTC(2026, 10, 21))],
    [new Date(5), '5'],
  ])('takes %s', (value, expected) => {
    expect(guardVersion(value, one)).toBe(expected);
  });

  it.each([[undefined], [null], [-1], [1.5], [Number.MAX_SAFE_INTEGER + 2], [2n ** 63n], ['soon'], ['2026-99-99'], [{}], [true]])(
    'refuses %s without repeating it',
    (value) => {
      expect(() => guardVersion(value, one)).toThrow(DataError);
      expect(() => guardVersion(value, one)).not.toThrow(/soon|2026/);
    },
  );
});
