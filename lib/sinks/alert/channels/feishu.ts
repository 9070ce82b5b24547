import { type Static, Type } from 'typebox';
import { pauseOf } from '../../../clients/http/retry-after.ts';
import { Secret } from '../../../core/secret.ts';
import { defineChannel, secretUrl } from '../channel.ts';
import { allowPrivate, mentioned, mentionsOption, rateLimit, timeoutMs } from '../channel-options.ts';
import { feishuMarkdown, oneLine } from '../escape.ts';
import { codeIn, httpChannel, jsonFields, textIn } from '../http-channel.ts';
import { contentOf, fitted, footerOf, headingOf, type Message } from '../message.ts';
import { linkOf } from '../notice.ts';
import { errorRules, httpRules, type Rule } from '../rules.ts';
import type { Severity } from '../severity.ts';
import { feishuSignature } from '../signatures.ts';

const options = Type.Object(
  {
    type: Type.Literal('feishu'),
    url: Secret({ description: 'URL of a custom bot, of Feishu or of Lark. Who knows it can post, so it is a secret.' }),
    secret: Type.Optional(Secret({ description: 'The secret of a bot that wants its messages signed.' })),
    keyword: Type.Optional(
      Type.String({ minLength: 1, description: 'A keyword that the bot wants to see; it is added where it is missing.' }),
    ),
    mentions: mentionsOption('all, or the open_id of a person (ou_…)'),
    rateLimit,
    timeoutMs,
    allowPrivate,
  },
  { description: 'Feishu or Lark: a custom bot of a group. It takes 100 messages in a minute and 5 in a second.' },
);
type Options = Static<typeof options>;

/** Feishu answers 200 to most failures; `code`, or `StatusCode` in old answers, says what became of the message. */
const rules: readonly Rule[] = [
  { status: 200, code: 0, means: 'delivered', message: 'accepted' },
  {
    code: [19001, 19002],
    means: 'config',
    unauthorized: true,
    message: 'the token is not valid. Make a new bot and store its URL in the secret',
  },
  {
    code: 19021,
    means: 'resign',
    unauthorized: true,
    message: 'the signature or its time was refused. Set secret to the one of the bot, and check the clock',
  },
  {
    code: 19022,
    means: 'config',
    message: 'this address is not on the allow-list of the bot. Add it, or let the bot check signatures instead',
  },
  { code: 19024, means: 'config', message: 'the keyword of the bot is not in the message. Set keyword to the one it wants' },
  { code: 11232, means: 'retriable', error: 'SINK_THROTTLED', retryAfterMs: 5_000, message: 'too many messages' },
  { code: 99991400, means: 'retriable', error: 'SINK_THROTTLED', message: 'too many messages' },
  { code: 19036, means: 'shorten', message: 'the message is too long' },
  { code: [9499, 11246], means: 'data', message: 'the message was refused' },
  { code: 'card', means: 'data', message: 'the card was refused' },
  ...httpRules,
];

export const feishu = defineChannel({
  type: 'feishu',
  options,
  deduplicates: false,
  resolves: false,
  carries: 'digest',
  errors: errorRules('Feishu', rules),
  async open(config, context) {
    const url = await secretUrl(config.url, context, config.allowPrivate);
    const secret = config.secret === undefined ? undefined : (await context.secret(config.secret)).trim();
    return httpChannel(
      {
        ...{ vendor: 'Feishu', rules, timeoutMs: config.timeoutMs, allowPrivate: config.allowPrivate },
        post: (message, { nowMs, scale }) => ({ url, body: feishuBody(message, config, secret, nowMs, scale) }),
        read(answer) {
          const fields = jsonFields(answer);
          const codes = [fields['code'], fields['StatusCode']].map(codeIn).filter((code) => code !== undefined);
          const failed = codes.find((code) => code !== 0);
          const code = failed ?? codes[0];
          const resetSeconds = Number(answer.headers['x-ogw-ratelimit-reset'] ?? Number.NaN);
          return {
            status: answer.status,
            code: typeof code === 'number' && code >= 230_000 && code < 240_000 ? 'card' : code,
            text: textIn(fields['msg']),
            retryAfterMs: Number.isFinite(resetSeconds) ? pauseOf(resetSeconds * 1_000) : answer.retryAfterMs,
          };
        },
      },
      context,
    );
  },
});

const maxBytes = 20_000;
const colours: Readonly<Record<Severity, string>> = { critical: 'red', error: 'orange', warning: 'yellow', info: 'blue' };

export function feishuBody(
  message: Message,
  { mentions, keyword }: Pick<Options, 'mentions' | 'keyword'>,
  secret: string | undefined,
  nowMs: number,
  scale = 1,
): string {
  const seconds = Math.floor(nowMs / 1_000);
  const signature = secret === undefined ? {} : { timestamp: String(seconds), sign: feishuSignature(secret, seconds) };
  const people = mentioned(mentions, message);
  const link = message.notices.length === 1 ? linkOf(message.notices[0]) : undefined;
  const plain = (content: string) => ({ tag: 'plain_text', content });
  const markdown = (content: string) => ({ tag: 'div', text: { tag: 'lark_md', content } });
  const note = keyword === undefined ? footerOf(message) : `${footerOf(message)} · ${keyword}`;
  return fitted((room) => {
    const text = contentOf(message, feishuMarkdown, { max: room, unit: 'bytes' });
    const card = {
      config: { wide_screen_mode: true },
      header: {
        title: plain(headingOf(message, oneLine, { max: 200, unit: 'characters' })),
        template: message.status === 'resolved' ? 'green' : colours[message.severity],
      },
      elements: [
        ...(text === '' ? [] : [markdown(text)]),
        ...(people.length === 0 ? [] : [markdown(people.map((who) => `<at id=${who.replace(/[^\w-]/g, '')}></at>`).join(' '))]),
        ...(link === undefined
          ? []
          : [
              {
                tag: 'action',
                actions: [{ tag: 'button', text: plain(message.notices[0].wording.linkTitle), type: 'default', url: link }],
              },
            ]),
        { tag: 'hr' },
        { tag: 'note', elements: [plain(note)] },
      ],
    };
    return JSON.stringify({ ...signature, msg_type: 'interactive', card });
  }, maxBytes * scale);
}
