// Clocks were taken to be set on quarters of an hour only. Casey set them at 00:01 until 2022, St. John's until 2011: which hour a record
// of those minutes was filed under depended on the record before it.
import { expect, it } from 'vitest';
import { zoneNamed } from '../../lib/core/calendar.ts';
import { parseTemplate } from '../../lib/core/template.ts';
import { parseZone } from '../../lib/sinks/maxcompute/zone.ts';
import { periodOf } from '../../lib/sinks/object-storage/periods.ts';
import { record } from '../support/records.ts';

/** Clocks go from 00:01 to 03:01. */
const set = Date.UTC(2020, 9, 3, 16, 1);
const timeZone = 'Antarctica/Casey';
const minute = 60_000;

it('names go by the clock also where it was set a minute past the hour', () => {
  const template = parseTemplate('{timestamp:dd HH}', 'path', { timeZone });
  const texts = [set - minute, set - 1, set, set + minute].map((timestamp) => template.render(record('k', {}, { timestamp })));
  expect(texts).toEqual(['04 00', '04 00', '04 03', '04 03']);
});

it('texts without a zone are read by it', () => {
  const zone = parseZone(timeZone, '');
  expect([set - 1, set].map((instant) => zone.offsetMs(instant) / 3_600_000)).toEqual([8, 11]);
});

it('hours end when it was set', () => {
  expect(periodOf(set - 1, 'hour', zoneNamed(timeZone))).toEqual({ name: '2020-10-04T00', start: set - minute, end: set });
  expect(periodOf(set, 'hour', zoneNamed(timeZone))).toMatchObject({ name: '2020-10-04T03', start: set, end: set + 59 * minute });
});
