import { describe, expect, it } from 'vitest';
import { ConfigError, DataError } from '../../../lib/core/errors.ts';
import { parseTemplate } from '../../../lib/core/template.ts';
import { record } from '../../support/records.ts';

const path = 'connector.sink.index';
const at = { topic: 'quakes', partition: 2, offset: 17, timestamp: Date.UTC(2026, 2, 4, 5, 6, 7, 89) };

describe('parseTemplate', () => {
  it.each([
    ['quakes', 'quakes'],
    ['{topic}', 'quakes'],
    ['{topic}-{partition}-{offset}', 'quakes-2-17'],
    ['q-{timestamp:yyyy-MM-dd}', 'q-2026-03-04'],
    ['{timestamp:yyyy/MM/dd/HH:mm:ss}', '2026/03/04/05:06:07'],
    ['{key}', 'nc1'],
    ['{header:region}!', 'north!'],
    ['{value.properties.net}', 'nc'],
    ['{value.flat.name}', 'literal'],
    ['{value.mag}', '4.5'],
    ['{value.big}', '9007199254740993'],
    ['{value.felt}', 'true'],
    ['a-{target}', 'a-chosen'],
  ])('renders %s as %s', (text, expected) => {
    const value = {
      properties: { net: 'nc' },
      mag: 4.5,
      big: 9_007_199_254_740_993n,
      felt: true,
      'flat.name': 'literal',
      flat: { name: 'x' },
    };
    const headers = [
      { key: 'region', value: Buffer.from('south') },
      { key: 'region', value: Buffer.from('north') },
    ];
    expect(parseTemplate(text, path).render(record('nc1', value, { ...at, headers, target: 'chosen' }))).toBe(expected);
  });

  it('renders fields of a structured key', () => {
    expect(parseTemplate('{key.id}', path).render(record({ id: 7 }, null))).toBe('7');
  });

  it('renders each record by its own time, also when they go back and forth', () => {
    const { render } = parseTemplate('{timestamp:MM-dd}', path);
    const days = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 23, 59, 59, 999), Date.UTC(2026, 0, 2), Date.UTC(2026, 0, 1)];
    expect(days.map((timestamp) => render(record('k', {}, { timestamp })))).toEqual(['01-01', '01-01', '01-02', '01-01']);
  });

  it.each([
    ['ss', 999, 1_000],
    ['mm', 59_999, 60_000],
    ['HH', 3_599_999, 3_600_000],
  ])('starts a new name with each %s', (token, lastMs, nextMs) => {
    const { render } = parseTemplate(`{timestamp:${token}}`, path);
    expect([0, lastMs, nextMs].map((timestamp) => render(record('k', {}, { timestamp })))).toEqual(['00', '00', '01']);
  });

  it('shows any time in any zone', () => {
    const zoned = (timeZone: string) => parseTemplate('{timestamp:yyyy-MM-ddTHH}'.replace('T', ' '), path, { timeZone });
    const winter = Date.UTC(2026, 0, 1, 4, 59, 59);
    expect(zoned('America/New_York').render(record('k', {}, { timestamp: winter }))).toBe('2025-12-31 23');
    expect(zoned('America/New_York').render(record('k', {}, { timestamp: winter + 1_000 }))).toBe('2026-01-01 00');
    expect(zoned('Asia/Kolkata').render(record('k', {}, { timestamp: winter }))).toBe('2026-01-01 10');
    const byField = parseTemplate('{timestamp:yyyy}', path, { timeOf: ({ value }) => (value as { at: number }).at });
    expect(byField.render(record('k', { at: Date.UTC(1999, 5) }))).toBe('1999');
    expect(() => zoned('Mars/Olympus')).toThrow(ConfigError);
  });

  it('agrees with the calendar of the zone at every quarter of an hour around a change of clocks', () => {
    const { render } = parseTemplate('{timestamp:dd HH:mm}', path, { timeZone: 'Europe/Berlin' });
    const format = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', day: '2-digit', hour: '2-digit', minute: '2-digit' });
    for (let at = Date.UTC(2026, 2, 28, 22); at < Date.UTC(2026, 2, 29, 4); at += 900_000 / 2)
      expect(render(record('k', {}, { timestamp: at }))).toBe(format.format(at).replace(', ', ' '));
  });

  it('puts a replayed dead letter where its record would have gone', () => {
    const version = { topic: 'quakes', partition: 2, offset: 17, epoch: 0 };
    const letter = { ...record('k', {}, { topic: 'quakes.dlq', partition: 0, offset: 5 }), version };
    expect(parseTemplate('{topic}/{partition}/{offset}', path).render(letter)).toBe('quakes/2/17');
  });

  it('tells how long a partition keeps one text', () => {
    const stableMs = (text: string, timeZone?: string) => parseTemplate(text, path, { timeZone }).stableMs;
    expect(stableMs('{topic}-{partition}')).toBe(Number.POSITIVE_INFINITY);
    expect(stableMs('{topic}/{timestamp:yyyy/MM/dd}')).toBe(86_400_000);
    expect(stableMs('{timestamp:HH}', 'Asia/Kolkata')).toBe(60_000);
    for (const text of ['{offset}', '{key}', '{timestamp:HH}-{value.a}']) expect(stableMs(text)).toBeUndefined();
  });

  it('knows whether records steer it and what every name starts with', () => {
    expect(parseTemplate('quakes-{timestamp:yyyy}', path)).toMatchObject({
      steeredByRecord: false,
      literalPrefix: 'quakes-',
      byTopicOnly: false,
    });
    expect(parseTemplate('{topic}', path)).toMatchObject({ steeredByRecord: false, literalPrefix: '', byTopicOnly: true });
    expect(parseTemplate('quakes', path)).toMatchObject({ steeredByRecord: false, constant: 'quakes', literalPrefix: 'quakes' });
    for (const text of ['{key}', 'x-{key.id}', '{header:a}', '{value.a}', '{target}'])
      expect(parseTemplate(text, path).steeredByRecord).toBe(true);
  });

  it.each([
    '{nope}',
    '{}',
    '{value}',
    '{value.}',
    '{value.a..b}',
    '{header:}',
    '{timestamp}',
    '{timestamp:}',
    '{timestamp:YYYY}',
    '{timestamp:-}',
    '{topic',
    'topic}',
    '{a{topic}}',
  ])('refuses %s and names the option', (text) => {
    const parse = () => parseTemplate(text, path);
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(path);
    expect(parse).toThrow(/yyyy/);
  });

  it.each([
    ['a missing field', '{value.nope.deeper}'],
    ['an object', '{value.object}'],
    ['an empty text', '{value.empty}'],
    ['null', '{value.none}'],
    ['an inherited property', '{value.constructor.name}'],
    ['the prototype', '{value.__proto__.secret}'],
    ['a missing header', '{header:nope}'],
    ['a header that is not UTF-8', '{header:binary}'],
    ['a missing target', '{target}'],
    ['a record without a timestamp', '{timestamp:yyyy}'],
  ])('refuses %s without repeating any value', (_, text) => {
    const value = { object: { sentinel: 1 }, empty: '', none: null };
    const headers = [{ key: 'binary', value: Uint8Array.of(0xff) }];
    const render = () => parseTemplate(text, path).render(record('sentinel', value, { ...at, timestamp: -1, headers }));
    expect(render).toThrow(DataError);
    expect(render).toThrow(/\(quakes-2@17\)/);
    expect(render).not.toThrow(/sentinel/);
  });
});
