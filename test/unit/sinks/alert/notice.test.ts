import { describe, expect, it } from 'vitest';
import { toAlerts } from '../../../../lib/sinks/alert/channels/alertmanager.ts';
import { wecomBody } from '../../../../lib/sinks/alert/channels/wecom.ts';
import { contentOf, headingOf, messageOf } from '../../../../lib/sinks/alert/message.ts';
import { groupKey, noticeId, originsOf } from '../../../../lib/sinks/alert/notice.ts';
import { bundle } from '../../../../lib/sinks/alert/tell.ts';
import { record } from '../../../support/records.ts';
import { messageFor, noticesOf } from './support.ts';

const asIs = (text: string) => text;
const wide = { max: 5_000, unit: 'bytes' } as const;
const byService = { group: '{value.service}', title: '{value.service} is {status}', text: '{count} times, last {value.n}' };
const states = { ...byService, resolve: { field: 'state' } };
const of = (service: string, n: number, state?: string) => record(service, { service, n, state }, { offset: n });

describe('gathering', () => {
  it('makes one notice of similar records, with a count, the last text and where the first and last one are', () => {
    const notices = noticesOf([of('pay', 1), of('shop', 2), of('pay', 3), of('pay', 4)], byService);
    expect(notices.map(({ group, events }) => [group, events.length])).toEqual([
      ['pay', 3],
      ['shop', 1],
    ]);
    const [pay] = notices;
    expect(headingOf(messageOf([pay!]), asIs, wide)).toBe('ERROR ×3: pay is firing');
    expect(contentOf(messageOf([pay!]), asIs, wide)).toBe('3 times, last 4');
    expect(originsOf(pay!)).toBe('orders-0@1 … orders-0@4');
  });

  it('tells each change of a group, in order', () => {
    const notices = noticesOf([of('pay', 1), of('pay', 2, 'RESOLVED'), of('pay', 3), of('pay', 4)], states);
    expect(notices.map(({ status, events }) => [status, events.length])).toEqual([
      ['firing', 1],
      ['resolved', 1],
      ['firing', 2],
    ]);
  });

  it('takes the worst severity of a group', () => {
    const severity = { field: 'n', atLeast: { critical: 7, error: 5 }, otherwise: 'info' };
    expect(noticesOf([of('pay', 5), of('pay', 7), of('pay', 1)], { ...byService, severity }).map((notice) => notice.severity)).toEqual([
      'critical',
    ]);
  });

  it('gives the same batch the same ids again, and other records others', () => {
    const batch = [of('pay', 1), of('pay', 2)];
    const [once, again, other] = [batch, batch.map((each) => ({ ...each })), [...batch, of('pay', 3)]].map(
      (records) => noticesOf(records, byService)[0]!,
    );
    expect(noticeId(again!, 'hook')).toBe(noticeId(once!, 'hook'));
    expect(noticeId(other!, 'hook')).not.toBe(noticeId(once!, 'hook'));
    expect(noticeId(once!, 'hook')).toMatch(/^msg_[0-9a-f]{32}$/);
    expect(groupKey(other!)).toBe(groupKey(once!));
  });

  it('keeps keys apart that are too long or odd', () => {
    const long = 'x'.repeat(300);
    const keys = [long, `${long}y`, 'Ä', 'Ö'].map((key) => groupKey(noticesOf([of(key, 1)], byService)[0]!));
    expect(new Set(keys).size).toBe(4);
    for (const key of keys) expect(key.length).toBeLessThanOrEqual(255);
  });

  it('refuses a record without what its group is made of, rather than joining it with others', () => {
    expect(noticesOf([record('a', { n: 1 })], byService)).toEqual([]);
  });
});

describe('a digest', () => {
  const notices = noticesOf(
    Array.from({ length: 12 }, (_, n) => of(`service-${n}`, n)),
    byService,
  );

  it('is made only of more messages than people want to read', () => {
    expect(bundle(notices, 'digest', 12)).toHaveLength(12);
    expect(bundle(notices, 'digest', 11)).toHaveLength(1);
    expect(bundle(notices, 'one', 1)).toHaveLength(12);
    expect(bundle(notices, 'all', 100)).toHaveLength(1);
    expect(bundle([], 'digest', 1)).toEqual([]);
  });

  it('has a line for each, with where its records are', () => {
    const [digest] = bundle(notices, 'digest', 5);
    expect(headingOf(digest!, asIs, wide)).toBe('ERROR: 12 alerts of orders-to-oncall');
    const lines = contentOf(digest!, asIs, wide).split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[3]).toBe('• ERROR: service-3 is firing — 1 times, last 3 · orders-0@3');
  });

  it('counts what does not fit any more', () => {
    const [digest] = bundle(notices, 'digest', 5);
    const text = contentOf(digest!, asIs, { max: 200, unit: 'bytes' });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(200);
    expect(text).toMatch(/… and 10 more$/);
  });
});

describe('texts', () => {
  it('show a dash for what a record does not have, and the value as JSON when nothing is said', () => {
    const message = messageFor([record('a', { n: 1, list: [1] })], { title: '{value.place} {value.list}' });
    expect(headingOf(message, asIs, wide)).toBe('ERROR: – –');
    expect(contentOf(message, asIs, wide)).toBe('{"n":1,"list":[1]}');
  });

  it('are those of the severity, and of what is over', () => {
    const templates = { critical: { title: 'Run: {key}' }, resolved: { text: 'Calm again' } };
    const severity = { field: 'level', map: { fatal: 'critical' } };
    const given = { severity, templates, group: '{key}', title: 'Look: {key}', text: 'n/a', resolve: { field: 'level', values: ['ok'] } };
    const titles = ['fatal', 'ERROR', 'ok'].map((level) => messageFor([record('db', { level })], given));
    expect(titles.map((message) => headingOf(message, asIs, wide))).toEqual(['CRITICAL: Run: db', 'ERROR: Look: db', 'RESOLVED: Look: db']);
    expect(contentOf(titles[2]!, asIs, wide)).toBe('Calm again');
  });
});

it('leaves out a link that leaves WeCom no room for the rest', () => {
  const link = { url: 'https://our.example/?q={value.text}' };
  const sizes = [10, 1_300, 1_900].map((length) => {
    const message = messageFor([record('k', { text: 'x'.repeat(length) })], { title: '{value.text}', link });
    const { text } = wecomBody(message, { mentions: { error: ['all'] } }) as { text: { content: string } };
    return [Buffer.byteLength(text.content) <= 2_048, text.content.includes('https://our.example/')];
  });
  expect(sizes).toEqual([
    [true, true],
    [true, true],
    [true, false],
  ]);
});

it('ends an alert for Alertmanager at a time that its clock has reached, be it a little behind', () => {
  const [notice] = noticesOf([of('pay', 1, 'resolved')], states);
  const nowMs = Date.parse('2026-11-21T08:00:00Z');
  const ends = toAlerts(notice!, { alertname: 'a' }, nowMs, 3_600_000).map((each) => (each as { endsAt: string }).endsAt);
  expect(new Set(ends)).toEqual(new Set(['2026-11-21T07:59:00.000Z']));
});
