import { type HttpClient, type HttpTls, openHttp } from '../../clients/http.ts';
import { ConfigError } from '../../core/errors.ts';
import type { ReadSecret, SecretReference } from '../../core/secret.ts';
import { checkName, constantValue } from './headers.ts';
import type { Options, TlsOptions } from './options.ts';
import { hmacSigner, type Signer, standardHeaders } from './signature.ts';
import { type TokenSource, tokenSource } from './tokens.ts';

/** Reads secrets and remembers them, for messages to leave them out. */
export interface Secrets {
  readonly read: ReadSecret;
  readonly known: string[];
}

export function rememberingSecrets(secret: ReadSecret): Secrets {
  const known: string[] = [];
  return {
    known,
    async read(reference) {
      const text = (await secret(reference)).trim();
      known.push(text);
      return text;
    },
  };
}

export async function openClients(
  config: Options,
  secrets: Secrets,
  now: () => number,
): Promise<{ readonly client: HttpClient; readonly tokens: TokenSource | undefined; close(): Promise<void> }> {
  const { timeoutMs, connectTimeoutMs, allowPrivate, maxResponseBytes, auth } = config;
  const shared = { timeoutMs, connectTimeoutMs, allowPrivate, now };
  const client = openHttp({ ...shared, maxResponseBytes, tls: await readTls(config.tls, secrets) });
  if (auth?.type !== 'oauth2') return { client, tokens: undefined, close: () => client.close() };
  const { tokenUrl, clientId, scope, audience, send } = auth;
  const tokenClient = openHttp({
    ...shared,
    tls: await readTls(auth.tls, secrets),
    path: 'connector.sink.auth',
    allowPrivatePath: 'connector.sink.allowPrivate',
  });
  const clientSecret = await secrets.read(auth.clientSecret);
  const place = secrets.known.push('') - 1; // of the token that is in use
  const received = (token: string): void => {
    secrets.known[place] = token;
  };
  const tokens = tokenSource(tokenClient, { tokenUrl, clientId, clientSecret, scope, audience, send, now, received });
  return {
    client,
    tokens,
    async close() {
      await Promise.all([client.close(), tokenClient.close()]);
    },
  };
}

async function readTls(tls: TlsOptions | undefined, { read }: Secrets): Promise<HttpTls | undefined> {
  if (tls === undefined) return undefined;
  const pem = async (from: string | SecretReference | undefined) =>
    from === undefined || typeof from === 'string' ? from : await read(from);
  return { ca: await pem(tls.ca), cert: await pem(tls.cert), key: await pem(tls.key), servername: tls.servername };
}

/** Headers with secrets in them that are the same for every request. */
export async function secretHeaders(
  { auth, secretHeaders: named }: Options,
  { read, known }: Secrets,
): Promise<Readonly<Record<string, string>>> {
  const headers: Record<string, string> = {};
  for (const [name, reference] of Object.entries(named)) {
    const path = `connector.sink.secretHeaders.${name}`;
    checkName(name, path);
    headers[name.toLowerCase()] = constantValue(await read(reference), path);
  }
  if (auth?.type === 'bearer') headers['authorization'] = `Bearer ${constantValue(await read(auth.token), 'connector.sink.auth.token')}`;
  if (auth?.type === 'basic') {
    const pair = Buffer.from(`${auth.username}:${await read(auth.password)}`).toString('base64');
    known.push(pair);
    headers['authorization'] = `Basic ${pair}`;
  }
  return headers;
}

export async function openSigner({ signing }: Options, { read }: Secrets): Promise<Signer | undefined> {
  if (signing === undefined) return undefined;
  if (signing.type === 'hmac-sha256') return hmacSigner(await read(signing.secret), signing);
  const { secret, previousSecret } = signing;
  return standardHeaders([await read(secret), ...(previousSecret === undefined ? [] : [await read(previousSecret)])]);
}

/** The URL's text, whose path and query are secret where it is kept as one. */
export async function readUrl({ url }: Options, { read, known }: Secrets): Promise<string> {
  if (typeof url === 'string') return url;
  const text = await read(url);
  if (!URL.canParse(text.replace(/\{[^{}]*\}/g, 'x')))
    throw new ConfigError('CONFIG_INVALID', 'Expected the secret of connector.sink.url to be an http or https URL.');
  known.push(text.replace(/^https?:\/\/[^/]+\/?/, ''));
  return text;
}
