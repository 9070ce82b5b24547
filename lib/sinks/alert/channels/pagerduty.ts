import { type Static, Type } from 'typebox';
import { Secret } from '../../../core/secret.ts';
import { defineChannel } from '../channel.ts';
import { allowPrivate, rateLimit, timeoutMs } from '../channel-options.ts';
import { broken, brokenLine } from '../escape.ts';
import { codeIn, httpChannel, jsonFields } from '../http-channel.ts';
import { fitted } from '../message.ts';
import { groupKey, last, linkOf, type Notice, originsOf, textOf, timesOf, titleOf } from '../notice.ts';
import { errorRules, httpRules, type Rule } from '../rules.ts';

const options = Type.Object(
  {
    type: Type.Literal('pagerduty'),
    routingKey: Secret({ description: 'Integration key of a service: Events API v2, 32 characters.' }),
    region: Type.Union([Type.Literal('us'), Type.Literal('eu')], { default: 'us', description: 'Where the account is.' }),
    url: Type.Optional(
      Type.String({ format: 'uri', description: 'Events API of something else that speaks it. By default that of the region.' }),
    ),
    rateLimit,
    timeoutMs,
    allowPrivate,
  },
  {
    description:
      'PagerDuty: an event for each group of records, with a key made of the group, so that the same twice is one alert and a resolved one closes it.',
  },
);
type Options = Static<typeof options>;

const rules: readonly Rule[] = [
  { status: [200, 202], code: 'success', means: 'delivered', message: 'accepted' },
  { status: 400, means: 'data', message: 'the event was refused' },
  {
    status: [401, 404],
    means: 'config',
    unauthorized: true,
    message: 'the routing key was refused. Store the integration key of the service in the secret',
  },
  { status: 429, means: 'retriable', error: 'SINK_THROTTLED', message: 'more than about 120 events in a minute' },
  ...httpRules,
];

export const pagerduty = defineChannel({
  type: 'pagerduty',
  options,
  deduplicates: true,
  resolves: true,
  carries: 'one',
  errors: errorRules('PagerDuty', rules),
  check({ url, allowPrivate }) {
    if (url === undefined || allowPrivate || url.startsWith('https://')) return [];
    return [
      { path: 'url', message: 'Expected https://, as the routing key would be sent for everybody to read. Set it, or allowPrivate: true.' },
    ];
  },
  async open(config, context) {
    const routingKey = (await context.secret(config.routingKey)).trim();
    const url = eventsUrl(config);
    return httpChannel(
      {
        ...{ vendor: 'PagerDuty', rules, timeoutMs: config.timeoutMs, allowPrivate: config.allowPrivate },
        post: (message, { scale }) => ({ url, body: pagerdutyEvent(message.notices[0], routingKey, scale) }),
        read(answer) {
          const { status, retryAfterMs } = answer;
          return { status, retryAfterMs, code: codeIn(jsonFields(answer)['status']) };
        },
      },
      context,
    );
  },
});

function eventsUrl({ url, region }: Pick<Options, 'url' | 'region'>): string {
  return url ?? (region === 'eu' ? 'https://events.eu.pagerduty.com/v2/enqueue' : 'https://events.pagerduty.com/v2/enqueue');
}

const maxBytes = 500_000;
const maxTextBytes = 50_000;

/** The event of a notice. What resolves needs nothing but the key under which the alert was triggered. */
export function pagerdutyEvent(notice: Notice, routingKey: string, scale = 1): string {
  const key = { routing_key: routingKey, dedup_key: groupKey(notice) };
  if (notice.status === 'resolved') return JSON.stringify({ ...key, event_action: 'resolve' });
  const link = linkOf(notice);
  const { last: timestamp } = timesOf(notice);
  return fitted(
    (room) =>
      JSON.stringify({
        ...key,
        event_action: 'trigger',
        payload: {
          summary: titleOf(notice, brokenLine, { max: 1_024, unit: 'characters' }),
          source: `kafka/${last(notice.events).record.origin.topic}`,
          severity: notice.severity,
          ...(timestamp === undefined ? {} : { timestamp }),
          custom_details: {
            count: notice.events.length,
            records: originsOf(notice),
            text: textOf(notice, broken, { max: Math.min(room, maxTextBytes), unit: 'bytes' }),
          },
        },
        client: `sluice ${notice.connector}`,
        ...(link === undefined ? {} : { links: [{ href: link, text: notice.wording.linkTitle }] }),
      }),
    maxBytes * scale,
  );
}
