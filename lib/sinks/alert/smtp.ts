import { RetriableError } from '../../core/errors.ts';
import type { Outcome } from '../../core/sink.ts';
import { classify, type Finding, outcomeOf, type Rule } from './rules.ts';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly id: string;
  readonly date: Date;
  readonly text: string;
  readonly html: string;
}

export interface Server {
  readonly host: string;
  readonly port: number;
  readonly encryption: 'starttls' | 'tls' | 'none';
  readonly ca: string | undefined;
  readonly login: { readonly user: string; readonly password: string } | undefined;
  readonly timeoutMs: number;
}

interface SendOptions {
  readonly rules: readonly Rule[];
  readonly where: string;
  readonly signal: AbortSignal;
}

/** Sends a mail by a connection of its own, which is gone afterwards. `compose` makes it shorter once, when the server calls it too long. */
export async function sendMail(compose: (scale: number) => Mail, server: Server, { rules, where, signal }: SendOptions): Promise<Outcome> {
  for (const scale of [1, 0.5]) {
    const finding = await deliver(compose(scale), server, signal);
    const rule = classify(rules, finding);
    if (rule.means !== 'shorten' || scale < 1) return outcomeOf(rule, finding, where);
  }
  throw new RangeError('The second attempt is always answered.');
}

/** What the server said in the end. Throws a RetriableError when the signal aborts. */
async function deliver(mail: Mail, server: Server, signal: AbortSignal): Promise<Finding> {
  if (signal.aborted) throw aborted();
  const [{ default: SMTPConnection }, message] = await Promise.all([import('nodemailer/lib/smtp-connection'), encoded(mail)]);
  const { host, port, encryption, ca, login, timeoutMs } = server;
  const connection = new SMTPConnection({
    ...{ host, port, secure: encryption === 'tls', requireTLS: encryption === 'starttls', ignoreTLS: encryption === 'none' },
    ...{
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      dnsTimeout: timeoutMs,
      socketCloseTimeout: 1_000,
    },
    tls: { ...(ca === undefined ? {} : { ca }) },
  });
  try {
    return await new Promise<Finding>((resolve, reject) => {
      const fail = (error: unknown): void => resolve(findingOf(error));
      const onAbort = (): void => reject(aborted());
      const timer = setTimeout(() => resolve({ code: 'ETIMEDOUT' }), timeoutMs);
      signal.addEventListener('abort', onAbort, { once: true });
      connection.once('end', () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        resolve({ code: 'ECONNECTION' });
      });
      connection.on('error', fail);
      const send = (): void =>
        connection.send({ from: mail.from, to: [...mail.to] }, message, (error) => (error ? fail(error) : resolve({ status: 250 })));
      connection.connect((error) => {
        if (error) fail(error);
        else if (login === undefined) send();
        else connection.login({ credentials: { user: login.user, pass: login.password } }, (refused) => (refused ? fail(refused) : send()));
      });
    });
  } finally {
    connection.close();
  }
}

async function encoded({ from, to, subject, id, date, text, html }: Mail): Promise<Buffer> {
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const composer = new MailComposer({
    from,
    to: [...to],
    subject,
    messageId: id,
    date,
    text,
    html,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return await composer.compile().build();
}

const untrusted =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_[A-Z_]+|CERT_[A-Z_]+|ERR_TLS_CERT_ALTNAME_INVALID|ERR_SSL_[A-Z0-9_]+)$/;

/** The codes of an error; its message repeats what the server said, and that may repeat what it was sent. */
function findingOf(error: unknown): Finding {
  if (!(error instanceof Error)) return {};
  const fields = error as Error & { readonly code?: unknown; readonly originalCode?: unknown; readonly responseCode?: unknown };
  const status = typeof fields.responseCode === 'number' ? fields.responseCode : undefined;
  if (typeof fields.originalCode === 'string' && untrusted.test(fields.originalCode)) return { status, code: 'UNTRUSTED' };
  return { status, code: typeof fields.code === 'string' ? fields.code : undefined };
}

function aborted(): RetriableError {
  return new RetriableError('ABORTED', 'The time for writing is over');
}
