import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../lib/core/config.ts';
import { recipients } from '../../../../lib/sinks/alert/options.ts';
import { alert } from '../../../../lib/sinks/alert.ts';
import { configOf, slackChannel } from './support.ts';

const pagerduty = { type: 'pagerduty', routingKey: { env: 'KEY' } };
const channels = { chat: slackChannel, oncall: pagerduty };

describe('the options of alert', () => {
  it.each([
    ['no channel', { channels: undefined, channel: undefined }, 'Expected either channel or channels, got neither'],
    ['both', { channels, channel: slackChannel }, 'got both'],
    [
      'a route to nobody known',
      { channels, routes: [{ to: ['chat', 'oncal'] }] },
      'Expected names of channels (chat, oncall), got "oncal"',
    ],
    [
      'a severity without a route',
      { channels, routes: [{ severity: ['critical'], to: ['chat', 'oncall'] }] },
      'Nothing says who is told of error, warning, info',
    ],
    ['a channel without a route', { channels, routes: [{ to: ['chat'] }] }, 'No route leads to oncall'],
    ['repeatMs without a store', { repeatMs: 60_000 }, 'a function forgets. Set store'],
    ['silences without a store', { silences: true }, 'Set store to a database'],
    ['a rate without a store', { channel: { ...slackChannel, rateLimit: { messages: 20 } } }, 'Set store to a database'],
    ['resolve without a group', { resolve: { field: 'state' } }, 'Expected group'],
    ['a tombstone that resolves by value', { group: '{value.id}', resolve: { tombstones: true } }, 'Expected group to be made of the key'],
    ['a link that a record steers', { link: { url: 'https://{value.host}/x' } }, 'records must not choose where a link leads'],
    [
      'a link whose host a record continues',
      { link: { url: 'https://our.example{value.rest}' } },
      'records must not choose where a link leads',
    ],
    ['an unknown placeholder', { text: '{value}' }, 'Unknown placeholder {value} in text'],
    [
      'a URL in the open',
      { channel: { type: 'slack', url: 'https://hooks.slack.com/services/T/B/x' } },
      'Expected connector.sink.channel.url to be a reference to a secret',
    ],
    [
      'a password that everybody can read',
      { channel: { type: 'email', host: 'mail', from: 'a@b.c', to: ['d@e.f'], encryption: 'none', username: 'u', password: { env: 'P' } } },
      'for everybody to read',
    ],
    [
      'a routing key that everybody can read',
      { channel: { ...pagerduty, url: 'http://events.example/v2/enqueue' } },
      'for everybody to read',
    ],
    [
      'a label that is taken',
      { channel: { type: 'alertmanager', url: 'http://am:9093', labels: { severity: 'x' } } },
      'other than alertname, group and severity',
    ],
  ])('refuse %s', (_, given, expected) => {
    expect(() => configOf(given)).toThrow(expected);
  });

  it('send each severity where the first route that fits says', () => {
    const config = configOf({
      channels,
      routes: [{ severity: ['critical'], to: ['oncall', 'chat'] }, { severity: ['info'], to: [] }, { to: ['chat'] }],
    });
    expect(['critical', 'error', 'info'].map((severity) => recipients(config, severity as 'critical'))).toEqual([
      ['oncall', 'chat'],
      ['chat'],
      [],
    ]);
  });

  it('promise no repetitions only where every vendor is given a key', () => {
    const claims = (given: object) => alert.guarantees(parseConfig(alert.config, given, 'connector.sink')).idempotent;
    expect(claims({ channel: pagerduty })).toBe(true);
    expect(claims({ channel: { type: 'alertmanager', url: 'http://am:9093' } })).toBe(true);
    expect(claims({ channels })).toBe(false);
    expect(claims({ channel: slackChannel })).toBe(false);
  });
});
