import { type Static, Type } from 'typebox';
import { Secret } from '../../../core/secret.ts';
import { defineChannel, secretUrl } from '../channel.ts';
import { allowPrivate, mentioned, mentionsOption, rateLimit, timeoutMs } from '../channel-options.ts';
import { broken, brokenLine } from '../escape.ts';
import { httpChannel, jsonFields } from '../http-channel.ts';
import { contentOf, fitted, footerOf, headingOf, type Message } from '../message.ts';
import { linkOf } from '../notice.ts';
import { errorRules, httpRules, type Rule } from '../rules.ts';
import type { Severity } from '../severity.ts';

const options = Type.Object(
  {
    type: Type.Literal('teams'),
    url: Secret({
      description: 'URL of a workflow that begins when a webhook request is received. Who knows it can post, so it is a secret.',
    }),
    mentions: mentionsOption('the sign-in name of a person, such as ada@example.com'),
    rateLimit,
    timeoutMs,
    allowPrivate,
  },
  { description: 'Microsoft Teams: a workflow that posts an adaptive card. It says that it took a card, never that the card was posted.' },
);
type Options = Static<typeof options>;

/** A workflow answers 202 with nothing. The connectors before them answered 200 with `1`, or with the reason of a failure. */
const rules: readonly Rule[] = [
  { text: /HTTP error 429|too many requests/i, means: 'retriable', error: 'SINK_THROTTLED', message: 'too many messages' },
  { text: /entity too large|payload is too large/i, means: 'shorten', message: 'the card is too long' },
  { text: /TriggerInputSchemaMismatch/, means: 'data', message: 'the card was refused' },
  {
    text: /WorkflowTriggerIsNotEnabled|WorkflowNotFound|WorkflowDisabled/i,
    means: 'config',
    message: 'the workflow is switched off. Switch it on',
  },
  { status: 200, code: 'refused', means: 'retriable', message: 'an answer that is no success' },
  { status: [200, 299], means: 'delivered', message: 'accepted; whether the workflow posts it is not known' },
  ...httpRules,
];

export const teams = defineChannel({
  type: 'teams',
  options,
  deduplicates: false,
  resolves: false,
  carries: 'digest',
  errors: errorRules('Teams', rules),
  async open(config, context) {
    const url = await secretUrl(config.url, context, config.allowPrivate);
    return httpChannel(
      {
        ...{ vendor: 'Teams', rules, timeoutMs: config.timeoutMs, allowPrivate: config.allowPrivate },
        post: (message, { scale }) => ({ url, body: teamsBody(message, config, scale) }),
        read(answer) {
          const { status, body, retryAfterMs } = answer;
          const isPlainText = body.trim() !== '' && body.trim() !== '1' && Object.keys(jsonFields(answer)).length === 0;
          return { status, retryAfterMs, text: body, ...(status === 200 && isPlainText ? { code: 'refused' } : {}) };
        },
      },
      context,
    );
  },
});

const maxBytes = 20_000;
const colours: Readonly<Record<Severity, string>> = { critical: 'attention', error: 'attention', warning: 'warning', info: 'accent' };

export function teamsBody(message: Message, { mentions }: Pick<Options, 'mentions'>, scale = 1): string {
  const people = mentioned(mentions, message).map((who) => ({ who, text: `<at>${who.replace(/[<>]/g, '')}</at>` }));
  const link = message.notices.length === 1 ? linkOf(message.notices[0]) : undefined;
  const block = (text: string, style: object = {}) => ({ type: 'TextBlock', text, wrap: true, ...style });
  const colour = message.status === 'resolved' ? 'good' : colours[message.severity];
  const heading = headingOf(message, brokenLine, { max: 200, unit: 'characters' });
  return fitted((room) => {
    const text = contentOf(message, broken, { max: room, unit: 'bytes' }, '- ');
    const content = {
      $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
      type: 'AdaptiveCard',
      version: '1.4',
      msteams: {
        width: 'full',
        ...(people.length === 0
          ? {}
          : { entities: people.map(({ who, text: at }) => ({ type: 'mention', text: at, mentioned: { id: who, name: who } })) }),
      },
      body: [
        block(heading, { weight: 'bolder', size: 'large', color: colour }),
        // One line end alone is no line end in this markup.
        ...(text === '' ? [] : [block(text.replaceAll('\n', '\n\n'))]),
        ...(people.length === 0 ? [] : [block(people.map((each) => each.text).join(' '))]),
        block(footerOf(message), { isSubtle: true, size: 'small' }),
      ],
      ...(link === undefined ? {} : { actions: [{ type: 'Action.OpenUrl', title: message.notices[0].wording.linkTitle, url: link }] }),
    };
    return JSON.stringify({
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
    });
  }, maxBytes * scale);
}
