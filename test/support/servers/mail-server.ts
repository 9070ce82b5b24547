import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { refusedWord } from './alert-vendors.ts';
import { certificates } from './certificates.ts';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly html: string;
  readonly isEncrypted: boolean;
}

export interface MailServer {
  readonly port: number;
  readonly ca: string;
  readonly mails: ReceivedMail[];
  /** Answers this code to every mail, or breaks the connection after it took it, until `work`. */
  fail(code: number | 'answer lost'): void;
  /** Whether every client is told to go away instead of being greeted. */
  turnAway: boolean;
  work(): void;
  stop(): Promise<void>;
}

export const mailLogin = { user: 'alerts', password: 'sentinel-mail-password' } as const;

/** A real SMTP server that wants a login. It speaks STARTTLS with a certificate of the test authority. */
export async function startMailServer({ requireTls = false, secure = false } = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  const { dir, ca } = await certificates();
  const { readFile } = await import('node:fs/promises');
  const [key, cert] = await Promise.all(['broker.key', 'broker.crt'].map((file) => readFile(`${dir}/${file}`, 'utf8')));
  let failure: number | 'answer lost' | undefined;
  const refusal = (code: number, message: string) => Object.assign(new Error(message), { responseCode: code });
  const server = new SMTPServer({
    ...{
      key: key ?? '',
      cert: cert ?? '',
      secure,
      authMethods: ['PLAIN', 'LOGIN'],
      allowInsecureAuth: !requireTls,
      disableReverseLookup: true,
    },
    onConnect(_, done) {
      done(answer.turnAway ? refusal(554, 'No service for you') : null);
    },
    onAuth({ username, password }, _, done) {
      const isKnown = username === mailLogin.user && password === mailLogin.password;
      done(isKnown ? null : refusal(535, 'Authentication credentials invalid'), isKnown ? { user: username } : {});
    },
    onMailFrom(_, __, done) {
      done(typeof failure === 'number' ? refusal(failure, 'Not now') : null);
    },
    onRcptTo({ address }, _, done) {
      done(address.startsWith('nobody@') ? refusal(550, 'No such user here') : null);
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString();
        if (raw.includes(refusedWord)) return done(refusal(554, 'Message rejected'));
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        mails.push({ from, to: rcptTo.map(({ address }) => address), ...parse(raw), isEncrypted: session.secure });
        if (failure === 'answer lost') for (const connection of server.connections) (connection as unknown as Connection)._socket.destroy();
        else done();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const answer: MailServer = {
    port: (server.server.address() as AddressInfo).port,
    ca,
    mails,
    turnAway: false,
    fail(code) {
      failure = code;
    },
    work() {
      failure = undefined;
      answer.turnAway = false;
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return answer;
}

interface Connection {
  readonly _socket: { destroy(): void };
}

function parse(raw: string): Pick<ReceivedMail, 'headers' | 'text' | 'html'> {
  const { headers, body } = split(raw);
  const boundary = /boundary="([^"]+)"/.exec(headers.get('content-type') ?? '')?.[1] ?? '';
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => split(part.replace(/^\r\n/, '')));
  const partOf = (type: string) => {
    const part = parts.find((each) => each.headers.get('content-type')?.startsWith(type));
    return part === undefined ? '' : decode(part.body.replace(/\r\n$/, ''), part.headers.get('content-transfer-encoding') ?? '7bit');
  };
  return { headers, text: partOf('text/plain'), html: partOf('text/html') };
}

function split(text: string): { readonly headers: ReadonlyMap<string, string>; readonly body: string } {
  const at = text.indexOf('\r\n\r\n');
  const lines = text
    .slice(0, at)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  return { headers, body: text.slice(at + 4) };
}

function decode(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString();
  if (encoding !== 'quoted-printable') return body.replaceAll('\r\n', '\n');
  const bytes = body.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString().replaceAll('\r\n', '\n');
}
