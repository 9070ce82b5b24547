import { type Static, Type } from 'typebox';
import { Secret } from '../../../core/secret.ts';
import { defineChannel, secretUrl } from '../channel.ts';
import { allowPrivate, mentioned, mentionsOption, rateLimit, timeoutMs } from '../channel-options.ts';
import { cut } from '../cut.ts';
import { broken, brokenLine } from '../escape.ts';
import { codeIn, httpChannel, jsonFields, textIn } from '../http-channel.ts';
import { contentOf, footerOf, headingOf, type Message } from '../message.ts';
import { linkOf } from '../notice.ts';
import { errorRules, httpRules, type Rule } from '../rules.ts';

const options = Type.Object(
  {
    type: Type.Literal('wecom'),
    url: Secret({ description: 'URL of a group robot with its key. Who knows it can post, so it is a secret.' }),
    mentions: mentionsOption('all, a mobile number, or the id of a person. All and numbers make it plain text of half the length'),
    rateLimit,
    timeoutMs,
    allowPrivate,
  },
  { description: 'WeCom (enterprise WeChat): a group robot. It takes 20 messages in a minute.' },
);
type Options = Static<typeof options>;

/** WeCom answers 200 to everything it understood; `errcode` says what became of it. */
const rules: readonly Rule[] = [
  { status: 200, code: 0, means: 'delivered', message: 'accepted' },
  { code: -1, means: 'retriable', message: 'the system is busy' },
  { code: 45009, means: 'retriable', error: 'SINK_THROTTLED', retryAfterMs: 60_000, message: 'more than 20 messages in a minute' },
  { code: 40058, means: 'shorten', message: 'a parameter was refused, such as a text that is too long' },
  { code: 93000, means: 'config', unauthorized: true, message: 'the key is not valid. Make a new robot and store its URL in the secret' },
  ...httpRules,
];

export const wecom = defineChannel({
  type: 'wecom',
  options,
  deduplicates: false,
  resolves: false,
  carries: 'digest',
  errors: errorRules('WeCom', rules),
  async open(config, context) {
    const url = await secretUrl(config.url, context, config.allowPrivate);
    return httpChannel(
      {
        ...{ vendor: 'WeCom', rules, timeoutMs: config.timeoutMs, allowPrivate: config.allowPrivate },
        post: (message, { scale }) => ({ url, body: JSON.stringify(wecomBody(message, config, scale)) }),
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

const markdownBytes = 4_096;
const textBytes = 2_048;

/** Markdown mentions people by their id only; everybody and numbers are mentioned by plain text. */
export function wecomBody(message: Message, { mentions }: Pick<Options, 'mentions'>, scale = 1): object {
  const people = mentioned(mentions, message);
  const isPlain = people.some((who) => who === 'all' || /^[+\d-]+$/.test(who));
  const heading = headingOf(message, brokenLine, { max: 300, unit: 'bytes' });
  const link = message.notices.length === 1 ? linkOf(message.notices[0]) : undefined;
  const title = message.notices[0].wording.linkTitle;
  if (isPlain) {
    const rest = [link === undefined ? '' : link, cut(footerOf(message), { max: 300, unit: 'bytes' })];
    return {
      msgtype: 'text',
      text: {
        content: around(message, heading, rest, textBytes * scale),
        mentioned_list: people.filter((who) => !/^[+\d-]+$/.test(who)).map((who) => (who === 'all' ? '@all' : who)),
        mentioned_mobile_list: people.filter((who) => /^[+\d-]+$/.test(who)),
      },
    };
  }
  const colour = message.status === 'resolved' ? 'info' : message.severity === 'info' ? 'comment' : 'warning';
  const rest = [
    link === undefined ? '' : `[${title}](${link.replace(/[()]/g, (character) => (character === '(' ? '%28' : '%29'))})`,
    `<font color="comment">${cut(footerOf(message), { max: 300, unit: 'bytes' })}</font>`,
    people.map((who) => `<@${who.replace(/[<>]/g, '')}>`).join(' '),
  ];
  const content = around(message, `**<font color="${colour}">${heading}</font>**`, rest, markdownBytes * scale);
  return { msgtype: 'markdown', markdown: { content } };
}

/** The heading, as much of the text as fits, and the rest, which begins with the link. */
function around(message: Message, heading: string, rest: readonly string[], maxBytes: number): string {
  const frame = [heading, ...rest].filter((part) => part !== '');
  const [link, ...others] = rest;
  // A link that leaves no room for anything else would make the message one that WeCom refuses.
  if (link !== '' && Buffer.byteLength(frame.join('\n')) > maxBytes) return around(message, heading, ['', ...others], maxBytes);
  const room = Math.max(0, Math.floor(maxBytes) - Buffer.byteLength(frame.join('\n')) - 1);
  const text = contentOf(message, broken, { max: room, unit: 'bytes' }, '> ');
  return [heading, text, ...rest].filter((part) => part !== '').join('\n');
}
