import { EventEmitter } from 'node:events';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
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

/** Sends mails, each once. */
export interface Mailer {
  /** `compose` makes it shorter once, when the server calls it too long. Throws a RetriableError when the signal aborts. */
  send(compose: (scale: number) => Mail, signal: AbortSignal): Promise<Outcome>;
  close(): void;
}

/** How long a connection waits for another mail. */
const idleMs = 5_000;
const maxIdle = 4;

/** Opens a mailer that connects to nothing yet. A connection is used again by mails that follow soon. */
export function openMailer(server: Server, rules: readonly Rule[], where: string): Mailer {
  const idle: SMTPConnection[] = [];
  let timer: NodeJS.Timeout | undefined;
  const closeAll = (): void => {
    clearTimeout(timer);
    for (const connection of idle.splice(0)) connection.close();
  };
  const keep = (connection: SMTPConnection): void => {
    if (idle.length < maxIdle) idle.push(connection);
    else connection.close();
    clearTimeout(timer);
    timer = setTimeout(closeAll, idleMs).unref();
  };
  const deliver = async (mail: Mail, signal: AbortSignal): Promise<Finding> => {
    const message = await encoded(mail);
    const envelope = { from: mail.from, to: [...mail.to] };
    const used = idle.pop();
    const connection = used !== undefined && (await isAlive(used, signal)) ? used : await connected(server, signal);
    if (!(connection instanceof EventEmitter)) return connection;
    const finding = await step(connection, server.timeoutMs, signal, (done) => connection.send(envelope, message, done));
    if (finding.status === accepted) keep(connection);
    else connection.close();
    return finding;
  };
  return {
    async send(compose, signal) {
      const first = await deliver(compose(1), signal);
      const rule = classify(rules, first);
      if (rule.means !== 'shorten') return outcomeOf(rule, first, where);
      const second = await deliver(compose(0.5), signal);
      return outcomeOf(classify(rules, second), second, where);
    },
    close: closeAll,
  };
}

const accepted = 250;

/** A connection that is logged in, or what kept it from that. */
async function connected(server: Server, signal: AbortSignal): Promise<SMTPConnection | Finding> {
  if (signal.aborted) throw aborted();
  const { default: Connection } = await import('nodemailer/lib/smtp-connection');
  const { host, port, encryption, ca, login, timeoutMs } = server;
  const encrypts = { secure: encryption === 'tls', requireTLS: encryption === 'starttls', ignoreTLS: encryption === 'none' };
  const timeouts = { connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs, dnsTimeout: timeoutMs };
  const connection = new Connection({ host, port, ...encrypts, ...timeouts, socketCloseTimeout: 0, tls: ca === undefined ? {} : { ca } });
  connection.on('error', () => undefined); // what breaks while it waits is seen when it is used again
  const opened = await step(connection, timeoutMs, signal, (done) => connection.connect(done));
  if (opened.status !== accepted || login === undefined) return opened.status === accepted ? connection : opened;
  const credentials = { user: login.user, pass: login.password };
  const allowed = await step(connection, timeoutMs, signal, (done) => connection.login({ credentials }, done));
  return allowed.status === accepted ? connection : allowed;
}

/** Servers end what is idle, and a function that slept does not hear of it. */
async function isAlive(connection: SMTPConnection, signal: AbortSignal): Promise<boolean> {
  if (connection.destroyed) return false;
  const finding = await step(connection, 2_000, signal, (done) => connection.reset(done));
  return finding.status === accepted;
}

/** One exchange with the server. The connection is gone when it fails, is late, or the signal aborts: then it throws a RetriableError. */
async function step(
  connection: SMTPConnection,
  timeoutMs: number,
  signal: AbortSignal,
  work: (done: (error?: unknown) => void) => void,
): Promise<Finding> {
  if (signal.aborted) {
    connection.close();
    throw aborted();
  }
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const listeners: { readonly event: 'error' | 'end'; readonly heard: (error?: unknown) => void }[] = [];
  let isDone = false;
  try {
    return await new Promise<Finding>((resolve, reject) => {
      const end = (error: unknown): void => resolve(findingOf(error));
      listeners.push({ event: 'error', heard: end }, { event: 'end', heard: () => resolve({ code: 'ECONNECTION' }) });
      for (const { event, heard } of listeners) connection.on(event, heard);
      signal.addEventListener('abort', () => reject(aborted()), { once: true, signal: over.signal });
      timer = setTimeout(() => resolve({ code: 'ETIMEDOUT' }), timeoutMs);
      work((error) => {
        if (error) return end(error);
        isDone = true;
        resolve({ status: accepted });
      });
    });
  } finally {
    over.abort();
    clearTimeout(timer);
    for (const { event, heard } of listeners) connection.off(event, heard);
    if (!isDone) connection.close();
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
    textEncoding: 'quoted-printable',
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
