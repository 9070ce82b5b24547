import type { WriteValue } from './values.ts';

const wholeNumber = /^[+-]?\d{1,30}$/;

/** Whole numbers of a range, also as digits. */
export function integer(least: number, most: number): WriteValue {
  const expected = `a whole number from ${least} to ${most}`;
  return (rows, value) => {
    const number =
      typeof value === 'number'
        ? value
        : typeof value === 'bigint' || (typeof value === 'string' && wholeNumber.test(value))
          ? Number(value)
          : Number.NaN;
    return Number.isInteger(number) && number >= least && number <= most ? rows.integer(number) : expected;
  };
}

const mostBigint = 2n ** 63n - 1n;
const aBigint = `a whole number from ${-mostBigint} to ${mostBigint}`;

/** Whole numbers of 64 bits with every digit. -2^63 means NULL to the service's SQL, so it is no value. */
export const bigInteger: WriteValue = (rows, value) => {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return rows.integer(value);
    return Number.isInteger(value) ? bigInteger(rows, BigInt(value)) : aBigint;
  }
  const whole =
    typeof value === 'bigint' ? value : typeof value === 'string' && wholeNumber.test(value) ? BigInt(value.replace(/^\+/, '')) : undefined;
  return whole !== undefined && whole >= -mostBigint && whole <= mostBigint ? rows.bigInteger(whole) : aBigint;
};

export const boolean: WriteValue = (rows, value) => {
  if (value === true || value === 'true') return rows.boolean(true);
  return value === false || value === 'false' ? rows.boolean(false) : 'true or false';
};

/** Numbers that stay finite in 32 bits, and those that never were. */
export const float: WriteValue = (rows, value) => {
  const number = toDouble(value);
  const isTooLarge = number !== undefined && Number.isFinite(number) && !Number.isFinite(Math.fround(number));
  return number === undefined || isTooLarge ? 'a number that FLOAT can hold' : rows.float(number);
};

/** Any number, also as text. */
export const double: WriteValue = (rows, value) => {
  const number = toDouble(value);
  return number === undefined ? 'a number' : rows.double(number);
};

const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const specialNumber = /^(NaN|[+-]?Infinity)$/;

function toDouble(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && (number.test(value) || specialNumber.test(value)) ? Number(value) : undefined;
}
