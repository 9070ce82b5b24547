import { type Static, Type } from 'typebox';
import { Secret } from '../../../core/secret.ts';
import { type ChannelContext, defineChannel } from '../channel.ts';
import { rateLimit, timeoutMs } from '../channel-options.ts';
import { broken, brokenLine, html, oneLine } from '../escape.ts';
import { contentOf, footerOf, headingOf, type Message } from '../message.ts';
import { linkOf, noticeId } from '../notice.ts';
import { errorRules, type Rule } from '../rules.ts';
import { type Mail, openMailer, type Server } from '../smtp.ts';

const Address = Type.String({ pattern: '^[^\\s@<>]+@[^\\s@<>]+$' });
const options = Type.Object(
  {
    type: Type.Literal('email'),
    host: Type.String({ minLength: 1, description: 'Name of the mail server.' }),
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 587, description: 'Port of the mail server.' }),
    encryption: Type.Union([Type.Literal('starttls'), Type.Literal('tls'), Type.Literal('none')], {
      default: 'starttls',
      description:
        'starttls demands that the connection becomes an encrypted one, tls begins as one (port 465), none is for a server next door.',
    }),
    ca: Type.Optional(
      Type.String({
        pattern: '-----BEGIN CERTIFICATE-----',
        description: "Certificate of the authority that signed the server's, PEM. Without it the well-known authorities are trusted.",
      }),
    ),
    username: Type.Optional(Type.String({ minLength: 1, description: 'User name, together with password.' })),
    password: Type.Optional(Secret({ description: 'Password of username.' })),
    from: { ...Address, description: 'Address of the sender.' },
    to: Type.Array(Address, { minItems: 1, description: 'Addresses of those who are told.' }),
    rateLimit,
    timeoutMs,
  },
  { description: 'E-mail by SMTP.' },
);
type Options = Static<typeof options>;

const rules: readonly Rule[] = [
  { status: 250, means: 'delivered', message: 'accepted' },
  {
    code: 'EPROTOCOL',
    status: [500, 599],
    means: 'config',
    message: 'the mail server does not talk to this client. Check host and port, and whether it has to allow this address',
  },
  { status: [400, 499], means: 'retriable', message: 'the mail server takes nothing for now' },
  {
    code: ['EAUTH', 'ENOAUTH'],
    means: 'config',
    unauthorized: true,
    message: 'the mail server refused the login. Check username and password',
  },
  { status: [530, 539], means: 'config', unauthorized: true, message: 'the mail server wants another login. Check username and password' },
  {
    code: ['ETLS', 'EREQUIRETLS', 'UNTRUSTED'],
    means: 'config',
    message:
      'the connection cannot be encrypted as asked for, or the certificate of the server does not fit. Check encryption, port and ca',
  },
  { status: 552, means: 'shorten', message: 'the message is too long' },
  { code: 'EENVELOPE', means: 'config', message: 'the sender or all recipients were refused. Check from and to' },
  { code: 'EMESSAGE', means: 'data', message: 'the message was refused' },
  { status: [500, 599], means: 'data', message: 'the message was refused' },
  { code: ['ECONNECTION', 'ETIMEDOUT', 'ESOCKET', 'EDNS', 'EPROTOCOL'], means: 'retriable', message: 'the mail server cannot be reached' },
];

export const email = defineChannel({
  type: 'email',
  options,
  deduplicates: false,
  resolves: false,
  carries: 'digest',
  errors: errorRules('E-mail', rules, 'SMTP'),
  check({ username, password, encryption }) {
    const problems: { path: string; message: string }[] = [];
    if ((username === undefined) !== (password === undefined))
      problems.push({ path: 'username', message: 'Expected username and password together, got one of them. Set both.' });
    if (password !== undefined && encryption === 'none')
      problems.push({
        path: 'encryption',
        message: 'Expected starttls or tls, as a password would be sent for everybody to read. Set it, or leave out the login.',
      });
    return problems;
  },
  async open(config, context) {
    const server = await serverOf(config, context);
    const mailer = openMailer(server, rules, `E-mail (${context.name})`);
    return {
      async send(message, signal) {
        const outcome = await mailer.send((scale) => mailOf(message, config, context, scale), signal);
        return message.notices.map(() => outcome);
      },
      close: async () => mailer.close(),
    };
  },
});

async function serverOf(
  { host, port, encryption, ca, username, password, timeoutMs }: Options,
  { secret }: ChannelContext,
): Promise<Server> {
  const login = username === undefined || password === undefined ? undefined : { user: username, password: await secret(password) };
  return { host, port, encryption, ca, login, timeoutMs };
}

const maxBytes = 50_000;

/** The mail of a message, as plain text and as HTML. Its id is the same for every delivery of the same records. */
export function mailOf(message: Message, { from, to }: Pick<Options, 'from' | 'to'>, { name, now }: ChannelContext, scale = 1): Mail {
  const limit = { max: Math.floor(maxBytes * scale), unit: 'bytes' } as const;
  const [first] = message.notices;
  const link = message.notices.length === 1 ? linkOf(first) : undefined;
  const text = contentOf(message, broken, limit);
  const markup = contentOf(message, html, limit);
  const heading = headingOf(message, (value) => html(oneLine(value)), { max: 500, unit: 'bytes' });
  return {
    from,
    to,
    subject: headingOf(message, brokenLine, { max: 200, unit: 'characters' }),
    id: `<${noticeId(first, name)}.${message.notices.length}@${from.slice(from.indexOf('@') + 1)}>`,
    date: new Date(now()),
    text: [text, link === undefined ? '' : `${first.wording.linkTitle}: ${link}`, footerOf(message)]
      .filter((part) => part !== '')
      .join('\n\n'),
    html: [
      `<h3>${heading}</h3>`,
      markup === '' ? '' : `<p>${markup.replaceAll('\n', '<br>')}</p>`,
      link === undefined ? '' : `<p><a href="${html(link).replaceAll('\u200b', '')}">${html(first.wording.linkTitle)}</a></p>`,
      `<p><small>${html(footerOf(message)).replaceAll('\u200b', '')}</small></p>`,
    ].join('\n'),
  };
}
