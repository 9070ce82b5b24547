import { Type } from 'typebox';
import { standardSigner } from '../../../clients/http/standard-webhooks.ts';
import { Secret } from '../../../core/secret.ts';
import { defineChannel, secretUrl } from '../channel.ts';
import { allowPrivate, rateLimit, timeoutMs } from '../channel-options.ts';
import { httpChannel } from '../http-channel.ts';
import { fitted } from '../message.ts';
import { linkOf, type Notice, noticeId, textOf, timesOf, titleOf } from '../notice.ts';
import { errorRules, httpRules, type Rule } from '../rules.ts';

const options = Type.Object(
  {
    type: Type.Literal('webhook'),
    url: Secret({ description: 'Where the events are posted to.' }),
    secrets: Type.Array(Secret({ description: 'whsec_… signs with a shared secret, whsk_… with an ed25519 key.' }), {
      minItems: 1,
      description: 'What the events are signed with. Two while one takes the place of the other: receivers believe either.',
    }),
    rateLimit,
    timeoutMs,
    allowPrivate,
  },
  {
    description:
      'Anything that understands Standard Webhooks: a signed event in JSON for each group of records. Its webhook-id stays the same when a batch comes again.',
  },
);

const rules: readonly Rule[] = [{ status: [200, 299], means: 'delivered', message: 'accepted' }, ...httpRules];

export const webhook = defineChannel({
  type: 'webhook',
  options,
  deduplicates: false,
  resolves: true,
  carries: 'one',
  errors: errorRules('Standard Webhooks', rules),
  async open(config, context) {
    const url = await secretUrl(config.url, context, config.allowPrivate);
    const signed = standardSigner(await Promise.all(config.secrets.map(context.secret)), `${context.path}.secrets`);
    return httpChannel(
      {
        ...{ vendor: 'Webhook', rules, timeoutMs: config.timeoutMs, allowPrivate: config.allowPrivate },
        post({ notices: [notice] }, { nowMs, scale }) {
          const body = webhookEvent(notice, scale);
          return { url, headers: signed(noticeId(notice, context.name), body, nowMs), body };
        },
        read: ({ status, retryAfterMs }) => ({ status, retryAfterMs }),
      },
      context,
    );
  },
});

const maxBytes = 20_000;
const maxRecords = 50;

/** A program reads this one, so values come as they are; what it shows to people it has to escape itself. */
export function webhookEvent(notice: Notice, scale = 1): string {
  const { connector, group, severity, status, events } = notice;
  const { first, last } = timesOf(notice);
  const asIs = (value: string) => value;
  const url = linkOf(notice);
  return fitted(
    (room) =>
      JSON.stringify({
        type: `alert.${status}`,
        ...(last === undefined ? {} : { timestamp: last }),
        data: {
          connector,
          group,
          severity,
          status,
          count: events.length,
          title: titleOf(notice, asIs, { max: Math.min(room, 500), unit: 'characters' }),
          text: textOf(notice, asIs, { max: room, unit: 'bytes' }),
          ...(url === undefined ? {} : { url }),
          ...(first === undefined ? {} : { firstAt: first }),
          records: events.slice(0, maxRecords).map(({ record: { origin, timestamp } }) => ({ ...origin, timestamp })),
        },
      }),
    maxBytes * scale,
  );
}
