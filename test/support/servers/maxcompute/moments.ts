import { BrokenStream } from './cursor.ts';

const dayMs = 86_400_000n;
const firstMs = BigInt(Date.parse('0001-01-01T00:00:00Z'));
const lastMs = BigInt(Date.parse('9999-12-31T23:59:59.999Z'));

/** `2024-02-29` for the days since 1970. */
export function dateOf(days: bigint): string {
  return isoOf(days * dayMs).slice(0, 10);
}

export function daysOf(date: string): bigint {
  return BigInt(Date.parse(`${date}T00:00:00Z`)) / dayMs;
}

/** `2024-02-29T23:59:59.999Z` for milliseconds since 1970. */
export function isoOf(ms: bigint): string {
  if (ms < firstMs || ms > lastMs) throw new BrokenStream('A date has to lie in the years 0001 to 9999.', 'DataStoreError');
  return new Date(Number(ms)).toISOString();
}

/** `2024-02-29T23:59:59.123456789` for seconds and nanoseconds, with a zone where there is one. */
export function instantOf(seconds: bigint, nanos: number, zone: 'Z' | ''): string {
  return `${isoOf(seconds * 1000n).slice(0, 19)}.${String(nanos).padStart(9, '0')}${zone}`;
}

export function secondsAndNanosOf(instant: string): readonly [bigint, number] {
  const [, second = '', fraction = ''] = /^([^.]+)\.(\d{9})Z?$/.exec(instant) ?? [];
  return [BigInt(Date.parse(`${second}Z`)) / 1000n, Number(fraction)];
}
