import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decimalText } from '../../../../lib/sinks/maxcompute/decimal.ts';

const ten = { precision: 10, scale: 2 };

it.each([
  [12.34, '12.34'],
  ['0012.340', '12.34'],
  [12, '12'],
  [-0.5, '-0.5'],
  [0, '0'],
  [-0, '0'],
  ['-0.00', '0.00'],
  ['.5', '0.5'],
  ['5.', '5'],
  [1e7, '10000000'],
  [1e-2, '0.01'],
  ['1.5e1', '15'],
  ['150e-1', '15.0'],
  [99999999.99, '99999999.99'],
  [100000000, undefined],
  [-100000000n, undefined],
  [12.345, undefined],
  ['', undefined],
  ['.', undefined],
  ['1e', undefined],
  ['1e99999', undefined],
  ['NaN', undefined],
  [Number.NaN, undefined],
  [Number.POSITIVE_INFINITY, undefined],
  [true, undefined],
  [null, undefined],
])('reads %o as %o', (value, expected) => {
  expect(decimalText(value, ten, 'error')).toBe(expected);
});

it.each([
  [12.345, '12.35'],
  [12.344, '12.34'],
  [-12.345, '-12.35'],
  [0.001, '0.00'],
  [-0.001, '0.00'],
  ['99999999.994', '99999999.99'],
  ['99999999.995', undefined],
])('rounds %o to %o', (value, expected) => {
  expect(decimalText(value, ten, 'round')).toBe(expected);
});

it('says the same number, whatever it is and however it is spelled', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), fc.integer({ min: 0, max: 18 }), (unscaled, places) => {
      const text = decimalText(`${unscaled}e-${places}`, { precision: 38 + 18, scale: 18 }, 'error');
      const [whole = '', fraction = ''] = (text ?? '').replace('-', '').split('.');
      const found = BigInt(whole + fraction.padEnd(18, '0')) * (text?.startsWith('-') === true ? -1n : 1n);
      expect(found).toBe(unscaled * 10n ** BigInt(18 - places));
    }),
  );
});
