import { type Static, Type } from 'typebox';
import { Secret } from '../../../core/secret.ts';
import { defineChannel, secretUrl } from '../channel.ts';
import { allowPrivate, mentioned, mentionsOption, rateLimit, timeoutMs } from '../channel-options.ts';
import { brokenLine, slackText } from '../escape.ts';
import { httpChannel } from '../http-channel.ts';
import { contentOf, footerOf, headingOf, type Message } from '../message.ts';
import { linkOf } from '../notice.ts';
import { errorRules, httpRules, type Rule } from '../rules.ts';

const options = Type.Object(
  {
    type: Type.Literal('slack'),
    url: Secret({ description: 'URL of an incoming webhook. Who knows it can post, so it is a secret.' }),
    mentions: mentionsOption('channel, here, everyone, the id of a person (U…) or of a group (S…)'),
    rateLimit,
    timeoutMs,
    allowPrivate,
  },
  { description: 'Slack, or what takes its messages, such as Mattermost and Rocket.Chat: an incoming webhook.' },
);
type Options = Static<typeof options>;

/** What the body of an answer says; Slack answers in plain text. */
const rules: readonly Rule[] = [
  { status: 200, code: 'ok', means: 'delivered', message: 'accepted' },
  { code: ['msg_blocks_too_long', 'msg_too_long'], means: 'shorten', message: 'the message is too long' },
  {
    status: 403,
    code: 'invalid_token',
    means: 'config',
    unauthorized: true,
    message: 'the webhook was revoked. Make a new one and store its URL in the secret',
  },
  {
    status: 403,
    code: 'action_prohibited',
    means: 'config',
    unauthorized: true,
    message: 'an administrator forbids this webhook. Ask them, or make another one',
  },
  {
    status: 404,
    code: ['no_service', 'no_team', 'no_active_hooks', 'channel_not_found', 'team_disabled'],
    means: 'config',
    unauthorized: true,
    message: 'the webhook or its channel is gone. Make a new one and store its URL in the secret',
  },
  { status: 410, means: 'config', unauthorized: true, message: 'the channel is archived. Take another one' },
  { status: 400, means: 'data', message: 'the message was refused' },
  ...httpRules,
];

export const slack = defineChannel({
  type: 'slack',
  options,
  deduplicates: false,
  resolves: false,
  carries: 'digest',
  errors: errorRules('Slack', rules),
  async open(config, context) {
    const url = await secretUrl(config.url, context, config.allowPrivate);
    return httpChannel(
      {
        ...{ vendor: 'Slack', rules, timeoutMs: config.timeoutMs, allowPrivate: config.allowPrivate },
        post: (message, { scale }) => ({ url, body: JSON.stringify(slackBody(message, config, scale)) }),
        read({ status, body, retryAfterMs }) {
          const code = /^[a-z_]{1,60}$/.exec(body.trim())?.[0];
          return { status, code, retryAfterMs };
        },
      },
      context,
    );
  },
});

const sectionCharacters = 3_000;
const headerCharacters = 150;

/** A message in blocks, where nothing but what is written here is looked for mentions and links. */
export function slackBody(message: Message, { mentions }: Pick<Options, 'mentions'>, scale = 1): object {
  const title = headingOf(message, brokenLine, { max: headerCharacters, unit: 'characters' });
  const text = contentOf(message, slackText, { max: Math.floor(sectionCharacters * scale), unit: 'characters' });
  const people = mentioned(mentions, message).map(mention);
  const link = message.notices.length === 1 ? linkOf(message.notices[0]) : undefined;
  const markdown = (content: string) => ({ type: 'mrkdwn', text: content, verbatim: true });
  return {
    text: headingOf(message, (value) => slackText(brokenLine(value)), { max: headerCharacters, unit: 'characters' }),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: title, emoji: false } },
      ...(people.length === 0 ? [] : [{ type: 'section', text: markdown(people.join(' ')) }]),
      ...(text === '' ? [] : [{ type: 'section', text: markdown(text) }]),
      ...(link === undefined
        ? []
        : [{ type: 'section', text: markdown(`<${slackText(link)}|${slackText(message.notices[0].wording.linkTitle)}>`) }]),
      { type: 'context', elements: [markdown(slackText(footerOf(message)))] },
    ],
    unfurl_links: false,
    unfurl_media: false,
  };
}

function mention(who: string): string {
  if (who === 'channel' || who === 'here' || who === 'everyone') return `<!${who}>`;
  return /^S[A-Z0-9]+$/.test(who) ? `<!subteam^${who}>` : `<@${slackText(who)}>`;
}
