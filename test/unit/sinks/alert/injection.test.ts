import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toAlerts } from '../../../../lib/sinks/alert/channels/alertmanager.ts';
import { dingtalkBody } from '../../../../lib/sinks/alert/channels/dingtalk.ts';
import { mailOf } from '../../../../lib/sinks/alert/channels/email.ts';
import { feishuBody } from '../../../../lib/sinks/alert/channels/feishu.ts';
import { pagerdutyEvent } from '../../../../lib/sinks/alert/channels/pagerduty.ts';
import { slackBody } from '../../../../lib/sinks/alert/channels/slack.ts';
import { teamsBody } from '../../../../lib/sinks/alert/channels/teams.ts';
import { webhookEvent } from '../../../../lib/sinks/alert/channels/webhook.ts';
import { wecomBody } from '../../../../lib/sinks/alert/channels/wecom.ts';
import type { Message } from '../../../../lib/sinks/alert/message.ts';
import { record } from '../../../support/records.ts';
import { messageFor } from './support.ts';

const hostile = [
  '<!channel>',
  '<!here|here>',
  '<@U012AB3CD>',
  '<!subteam^S012AB3CD>',
  '<https://evil.example|click>',
  '[click](https://evil.example)',
  '![](https://evil.example/pixel.png)',
  'https://evil.example',
  'www.evil.example',
  'evil.example/login',
  'mailto:ada@evil.example',
  '@all',
  '@channel',
  '@13800000000',
  '<at user_id="all">all</at>',
  '<at id=all></at>',
  '<@zhang>',
  '<font color="warning">',
  '<a href="https://evil.example">x</a>',
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  '\u202egnp.exe',
  '\r\nBcc: everybody@evil.example\r\n\r\n',
  '&lt;!channel&gt;',
  '&#60;at id=all&#62;',
  '\\',
  '"},{"type":"section"',
  '{value.other}',
  '\ud800',
  '👩‍👩‍👧',
];
const value = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...hostile) }, fc.string({ unit: 'binary', maxLength: 8 })), { maxLength: 6 })
  .map((parts) => parts.join(''));

/** One notice or a digest, whose title, text, group and link are steered by the values. */
const message = fc.array(value, { minLength: 1, maxLength: 4 }).map((values) =>
  messageFor(
    values.map((text) => record('k', { text, other: 'not here' })),
    { title: '{value.text}', text: 'Said: {value.text}', link: { url: 'https://our.example/x?q={value.text}' } },
  ),
);

/** Every text in a body, by where it is. */
function texts(part: unknown, path = ''): [string, string][] {
  if (typeof part === 'string') return [[path, part]];
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([name, inner]) => texts(inner, `${path}/${name}`));
}

const link = /[a-z]+:\/\/|www\.\p{L}|\p{L}\.(?:example|com)\b|mailto:[^\s]+@\p{L}/iu;

/** What may not be in a text of the markups that know [text](url), mentions with @ and tags. */
function expectHarmless(text: string): void {
  expect(text).not.toMatch(link);
  expect(text).not.toMatch(/\]\(/);
  expect(text).not.toMatch(/<[\p{L}!@/]/u);
  expect(text).not.toMatch(/@[\p{L}]/u);
  expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
  expect(text.isWellFormed()).toBe(true);
}

function holds(check: (message: Message) => void): void {
  fc.assert(fc.property(message, check), { numRuns: 60 });
}

const nobody = { mentions: {} };
const own = 'https://our.example/';

describe('a record can add neither a mention nor a link', () => {
  it('in Slack, where text is looked at as it is and its three characters are entities', () => {
    holds((each) => {
      const body = slackBody(each, nobody);
      const blocks = body as { readonly blocks: { readonly type: string; readonly text?: { readonly verbatim?: boolean } }[] };
      for (const { type, text } of blocks.blocks) if (type === 'section') expect(text?.verbatim).toBe(true);
      for (const [, text] of texts(body)) {
        if (text.startsWith(`<${own}`)) expect(text).toMatch(/^<https:\/\/our\.example\/[^<>|\s]*\|Open>$/);
        else expect(text).not.toMatch(/<(?!\u200b)/);
      }
    });
  });

  it('in DingTalk', () => {
    holds((each) => {
      const { markdown, at } = JSON.parse(dingtalkBody(each, nobody)) as {
        markdown: { title: string; text: string };
        at: object;
      };
      expect(at).toEqual({ atMobiles: [], atUserIds: [], isAtAll: false });
      expectHarmless(markdown.title);
      expectHarmless(markdown.text.replace(/\[Open\]\(https:\/\/our\.example\/[^()\s]*\)/, ''));
    });
  });

  it('in Feishu', () => {
    holds((each) => {
      const { card } = JSON.parse(feishuBody(each, nobody, undefined, 0)) as {
        card: { elements: { tag: string; text?: { tag: string; content: string } }[] };
      };
      for (const { text } of card.elements) {
        if (text?.tag !== 'lark_md') continue;
        expect(text.content.replace(/orders-0@\d+/g, '')).not.toMatch(/[<>*_~`[\]()@]/);
        expect(text.content).not.toMatch(link);
      }
      for (const [path, text] of texts(card)) if (path.endsWith('/url')) expect(text.startsWith(own)).toBe(true);
    });
  });

  it('in WeCom', () => {
    holds((each) => {
      const { markdown } = wecomBody(each, nobody) as { markdown: { content: string } };
      const frame = /<font color="(?:warning|comment|info)">|<\/font>|\[Open\]\(https:\/\/our\.example\/[^()\s]*\)/g;
      expectHarmless(markdown.content.replace(frame, ''));
    });
  });

  it('in Teams', () => {
    holds((each) => {
      const { attachments } = JSON.parse(teamsBody(each, nobody)) as {
        attachments: { content: { msteams: object; body: object; actions?: { url: string }[] } }[];
      };
      for (const { content } of attachments) {
        expect(content.msteams).toEqual({ width: 'full' });
        for (const [path, text] of texts(content.body)) if (path.endsWith('/text')) expectHarmless(text);
        for (const { url } of content.actions ?? []) expect(url.startsWith(own)).toBe(true);
      }
    });
  });

  it('in PagerDuty', () => {
    holds(({ notices: [notice] }) => {
      const { payload, links } = JSON.parse(pagerdutyEvent(notice, 'key')) as {
        payload: { summary: string; custom_details: { text: string } };
        links: { href: string }[];
      };
      expectHarmless(payload.summary);
      expectHarmless(payload.custom_details.text);
      for (const { href } of links) expect(href.startsWith(own)).toBe(true);
    });
  });

  it('in Alertmanager, whose receivers show annotations as they are', () => {
    holds(({ notices: [notice] }) => {
      const [{ annotations }] = toAlerts(notice, { alertname: 'a' }, 0, 1) as unknown as [{ annotations: Record<string, string> }];
      expectHarmless(annotations['summary'] ?? '');
      expectHarmless(annotations['description'] ?? '');
    });
  });

  it('in e-mail, nor a header', () => {
    const context = {
      name: 'mail',
      path: '',
      secret: async () => '',
      now: () => 0,
      openHttp: () => {
        throw new Error('not here');
      },
    };
    holds((each) => {
      const { subject, text, html } = mailOf(each, { from: 'a@example.com', to: ['b@example.com'] }, context);
      expect(subject).not.toMatch(/[\r\n]/);
      expectHarmless(subject);
      expectHarmless(text.replace(/Open: https:\/\/our\.example\/\S*/, ''));
      const tags = /<\/?(?:h3|p|small)>|<br>|<a href="https:\/\/our\.example\/[^"<>]*">Open<\/a>/g;
      expect(html.replace(tags, '')).not.toMatch(/[<>"]/);
      expect(html.replace(tags, '')).not.toMatch(link);
    });
  });

  it('in a webhook, which stays one JSON value with the texts as they came', () => {
    holds(({ notices: [notice] }) => {
      const { data } = JSON.parse(webhookEvent(notice)) as { data: { text: string; url: string } };
      const { text } = notice.events[0].record.value as { text: string };
      expect(data.text).toBe(text === '' ? 'Said: –' : `Said: ${text.toWellFormed()}`);
      expect(data.url?.startsWith(own) ?? true).toBe(true);
    });
  });
});
