import { type Static, Type } from 'typebox';
import { Secret } from '../../../core/secret.ts';
import { defineChannel, secretUrl } from '../channel.ts';
import { allowPrivate, mentioned, mentionsOption, rateLimit, timeoutMs } from '../channel-options.ts';
import { broken, brokenLine } from '../escape.ts';
import { codeIn, httpChannel, jsonFields, textIn } from '../http-channel.ts';
import { contentOf, fitted, footerOf, headingOf, type Message } from '../message.ts';
import { linkOf } from '../notice.ts';
import { errorRules, httpRules, type Rule } from '../rules.ts';
import { dingtalkSignature } from '../signatures.ts';

const options = Type.Object(
  {
    type: Type.Literal('dingtalk'),
    url: Secret({ description: 'URL of a custom robot with its access_token. Who knows it can post, so it is a secret.' }),
    secret: Type.Optional(Secret({ description: 'The secret (SEC…) of a robot that wants its messages signed.' })),
    keyword: Type.Optional(
      Type.String({ minLength: 1, description: 'A keyword that the robot wants to see; it is added where it is missing.' }),
    ),
    mentions: mentionsOption('all, a mobile number, or the id of a person'),
    rateLimit,
    timeoutMs,
    allowPrivate,
  },
  { description: 'DingTalk: a custom robot of a group. More than 20 messages in a minute block it for ten.' },
);
type Options = Static<typeof options>;

const blockedMs = 600_000;

/** DingTalk answers 200 to everything it understood; `errcode` says what became of it. */
const rules: readonly Rule[] = [
  { status: 200, code: 0, means: 'delivered', message: 'accepted' },
  { code: -1, means: 'retriable', message: 'the system is busy' },
  {
    code: [130101, 410100],
    means: 'retriable',
    error: 'SINK_THROTTLED',
    retryAfterMs: blockedMs,
    message: 'more than 20 messages in a minute, the robot is blocked for ten minutes',
  },
  {
    code: 310000,
    text: /timestamp|timeStamp|expire/i,
    means: 'resign',
    unauthorized: true,
    message: 'the time in the signature was refused. Check the clock',
  },
  {
    code: 310000,
    text: /keyword/i,
    means: 'config',
    message: 'the keyword of the robot is not in the message. Set keyword to the one it wants',
  },
  {
    code: 310000,
    text: /\bip\b|whitelist/i,
    means: 'config',
    message: 'this address is not on the allow-list of the robot. Add it, or let the robot check signatures instead',
  },
  {
    code: 310000,
    means: 'config',
    unauthorized: true,
    message: 'the security check failed. Set secret to the one of the robot, and keyword if it wants one',
  },
  { code: [460101, 101002], means: 'shorten', message: 'the message is longer than 20,000 bytes' },
  {
    code: [300001, 300005, 400101, 400102, 400105, 400106],
    means: 'config',
    unauthorized: true,
    message: 'the token or the robot is not valid. Make a new robot and store its URL in the secret',
  },
  { code: [40035, 43004], means: 'data', message: 'a parameter was refused' },
  // The gateway in front of the robots sends on whom it slows down.
  { status: 302, means: 'retriable', error: 'SINK_THROTTLED', message: 'the gateway is busy' },
  ...httpRules,
];

export const dingtalk = defineChannel({
  type: 'dingtalk',
  options,
  deduplicates: false,
  resolves: false,
  carries: 'digest',
  errors: errorRules('DingTalk', rules),
  async open(config, context) {
    const url = await secretUrl(config.url, context, config.allowPrivate);
    const secret = config.secret === undefined ? undefined : (await context.secret(config.secret)).trim();
    return httpChannel(
      {
        ...{ vendor: 'DingTalk', rules, timeoutMs: config.timeoutMs, allowPrivate: config.allowPrivate },
        post: (message, { nowMs, scale }) => ({
          url: secret === undefined ? url : signedUrl(url, secret, nowMs),
          body: dingtalkBody(message, config, scale),
        }),
        read(answer) {
          const fields = jsonFields(answer);
          const { status, retryAfterMs } = answer;
          return { status, retryAfterMs, code: codeIn(fields['errcode']), text: textIn(fields['errmsg']) };
        },
      },
      context,
    );
  },
});

/** The URL for one attempt; it never grows, as each begins with the URL of the robot. */
export function signedUrl(url: URL, secret: string, nowMs: number): URL {
  const signed = new URL(url);
  signed.searchParams.set('timestamp', String(nowMs));
  signed.searchParams.set('sign', dingtalkSignature(secret, nowMs));
  return signed;
}

const maxBytes = 20_000;

export function dingtalkBody(message: Message, { mentions, keyword }: Pick<Options, 'mentions' | 'keyword'>, scale = 1): string {
  const people = mentioned(mentions, message);
  const title = headingOf(message, brokenLine, { max: 100, unit: 'characters' });
  const heading = headingOf(message, brokenLine, { max: 400, unit: 'bytes' });
  const link = message.notices.length === 1 ? linkOf(message.notices[0]) : undefined;
  const at = {
    atMobiles: people.filter((who) => /^[+\d-]+$/.test(who)),
    atUserIds: people.filter((who) => who !== 'all' && !/^[+\d-]+$/.test(who)),
    isAtAll: people.includes('all'),
  };
  // A mention works only when it is in the text as well.
  const mentionText = [...at.atMobiles, ...at.atUserIds].map((who) => `@${who}`).join(' ');
  return fitted((room) => {
    const content = contentOf(message, broken, { max: room, unit: 'bytes' }, '- ');
    const parts = [
      `#### ${heading}`,
      content.replaceAll('\n', '\n\n'),
      link === undefined ? '' : `[${message.notices[0].wording.linkTitle}](${linkUrl(link)})`,
      `###### ${footerOf(message)}`,
      mentionText,
    ];
    let text = parts.filter((part) => part !== '').join('\n\n');
    if (keyword !== undefined && !text.includes(keyword)) text += `\n\n${keyword}`;
    return JSON.stringify({ msgtype: 'markdown', markdown: { title, text }, at });
  }, maxBytes * scale);
}

function linkUrl(url: string): string {
  return url.replace(/[()]/g, (character) => (character === '(' ? '%28' : '%29'));
}
