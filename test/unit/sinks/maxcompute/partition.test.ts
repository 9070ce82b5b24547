import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../lib/core/config.ts';
import { DataError } from '../../../../lib/core/errors.ts';
import { partitioner } from '../../../../lib/sinks/maxcompute/partition.ts';
import { partition } from '../../../../lib/sinks/maxcompute/partition-options.ts';
import { record } from '../../../support/records.ts';

const at = Date.parse('2020-11-17T15:42:59.999Z');
const partitionOf = (config: unknown, { maxPartitions = 1_000, now = () => at } = {}) =>
  partitioner(parseConfig(partition, config, 'connector.sink.partition'), { maxPartitions, now });
const of = (config: unknown, value: unknown = {}, timestamp = at) => partitionOf(config)(record('a', value, { timestamp }));

describe('by the time of the record', () => {
  it.each([
    [undefined, 'pt=2020-11-17 23'],
    [{ timeZone: 'UTC' }, 'pt=2020-11-17 15'],
    [{ timeZone: 'UTC', window: 'day' }, 'pt=2020-11-17'],
    [{ timeZone: 'UTC', window: 'minute' }, 'pt=2020-11-17 15:42'],
    [{ timeZone: 'UTC', window: 'day', format: 'old' }, 'pt=11-17-2020'],
    [{ timeZone: 'UTC', format: 'old' }, 'pt=11-17-2020 15'],
    [{ timeZone: 'UTC', window: 'minute', format: 'old' }, 'pt=11-17-2020 15:42'],
    [{ timeZone: 'UTC', format: 'yyyyMMddHH' }, 'pt=2020111715'],
    [{ timeZone: 'UTC', format: 'yyyyMMdd-HHmm' }, 'pt=20201117-1500'],
    [{ timeZone: 'Asia/Kolkata', window: 'minute' }, 'pt=2020-11-17 21:12'],
    [{ timeZone: 'UTC', column: 'DS' }, 'ds=2020-11-17 15'],
    [
      [
        { column: 'ds', window: 'day', format: 'yyyyMMdd', timeZone: 'UTC' },
        { column: 'hh', format: 'HH', timeZone: 'UTC' },
      ],
      'ds=20201117,hh=15',
    ],
    [false, undefined],
  ])('%o leads to %s', (config, expected) => {
    expect(of(config)).toBe(expected);
  });

  it('refuses a record without a timestamp', () => {
    expect(() => of(undefined, {}, -1)).toThrow(DataError);
  });

  it('refuses a time beyond the last year that has four digits', () => {
    const last = { at: '9999-12-31T23:00:00Z' };
    expect(of({ by: 'field', field: 'at', timeZone: 'UTC' }, last)).toBe('pt=9999-12-31 23');
    expect(() => of({ by: 'field', field: 'at' }, last)).toThrow('1 to 9999');
  });

  it('goes back and forth between windows', () => {
    const find = partitionOf({ timeZone: 'UTC', window: 'minute' });
    const minutes = [0, 1, 0, 2, 1].map((minute) => find(record('a', {}, { timestamp: minute * 60_000 })));
    expect(minutes.map((text) => text?.slice(-1))).toEqual(['0', '1', '0', '2', '1']);
  });
});

describe('by a field', () => {
  const config = { by: 'field', field: 'at', timeZone: 'UTC' };

  it.each([
    [at, 'pt=2020-11-17 15'],
    [new Date(at), 'pt=2020-11-17 15'],
    ['2020-11-17T15:42:59Z', 'pt=2020-11-17 15'],
    ['2020-11-17 15:00', 'pt=2020-11-17 15'],
    ['1969-12-31', 'pt=1969-12-31 00'],
  ])('reads the time %o', (time, expected) => {
    expect(of(config, { at: time })).toBe(expected);
  });

  it.each([undefined, null, 'soon', {}, true])('refuses %o without repeating it', (time) => {
    expect(() => of(config, { at: time })).toThrow(/Expected "at" to be an instant, as it decides the partition \(orders-0@\d+\)/);
  });
});

describe('by the text of a field', () => {
  const config = { column: 'region', by: 'field', field: 'region', format: 'text', allow: ['eu-*', 'us'] };

  it('takes what the operator allowed', () => {
    expect(of(config, { region: 'eu-west 1' })).toBe('region=eu-west 1');
    expect(of(config, { region: 'us' })).toBe('region=us');
  });

  it.each(['asia', 'us2', 'eu-a/b', 'eu-a,b=c', "eu-'", 'eu-"', 'eu-\\', 'eu-\n', 'eu-..', `eu-${'x'.repeat(300)}`, '', 5, null])(
    'refuses %o',
    (region) => {
      expect(() => of(config, { region })).toThrow(DataError);
    },
  );

  it('is not led by the table that a transform chose', () => {
    expect(partitionOf(config)(record('a', { region: 'us' }, { target: 'other', timestamp: at }))).toBe('region=us');
  });

  it('goes together with time', () => {
    expect(of([config, { timeZone: 'UTC', window: 'day' }], { region: 'us' })).toBe('region=us,pt=2020-11-17');
  });
});

it('takes the time of writing where that is wanted', () => {
  let now = at;
  const find = partitionOf({ by: 'processing-time', timeZone: 'UTC' }, { now: () => now });
  expect(find(record('a', {}, { timestamp: 5 }))).toBe('pt=2020-11-17 15');
  now += 3_600_000;
  expect(find(record('a', {}, { timestamp: 5 }))).toBe('pt=2020-11-17 16');
});

it('leads to so many partitions within a day, and no more', () => {
  let now = at;
  const find = partitionOf({ timeZone: 'UTC', window: 'minute' }, { maxPartitions: 2, now: () => now });
  const minute = (number: number) => find(record('a', {}, { timestamp: number * 60_000 }));
  minute(1);
  minute(2);
  minute(1);
  expect(() => minute(3)).toThrow(/partition number 3 within a day, and connector\.sink\.maxPartitions is 2/);
  expect(minute(2)).toBe('pt=1970-01-01 00:02');
  now += 86_400_000;
  expect(minute(3)).toBe('pt=1970-01-01 00:03');
});

it.each([
  [{ by: 'field' }, /partition\.field/],
  [{ field: 'x' }, /Expected no connector\.sink\.partition\.field/],
  [{ format: 'text' }, /partition\.by to be field/],
  [{ format: 'text', by: 'field', field: 'x' }, /partition\.allow/],
  [{ format: 'yyyy/MM' }, /partition\.format/],
  [{ format: 'YYYY' }, /partition\.format/],
  [{ format: 'constant' }, /partition\.format/],
  [{ timeZone: 'Mars' }, /partition\.timeZone/],
  [[{ column: 'a' }, { column: 'b', timeZone: 'Mars' }], /partition\[1\]\.timeZone/],
])('refuses %o', (config, message) => {
  expect(() => partitionOf(config)).toThrow(message);
});
