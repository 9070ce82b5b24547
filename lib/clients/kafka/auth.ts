import type { ConnectionOptions } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import { ConfigError } from '../../core/errors.ts';
import { type ReadSecret, type SecretReference, secretName } from '../../core/secret.ts';
import type { ClusterAuth, ClusterConfig } from './cluster-config.ts';
import { endpointTokens, mskTokens, refreshed, secretTokens, type TokenSource } from './token.ts';

export interface AuthContext {
  readonly secret: ReadSecret;
  readonly now: () => number;
  /** For the OAuth token endpoint. */
  readonly fetch: typeof fetch;
  /** Variables of the process: AWS_REGION for MSK IAM. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Credentials {
  readonly ssl?: ConnectionOptions;
  readonly sasl?: SASLOptions;
}

const mechanisms = { 'sasl-plain': 'plain', 'sasl-scram-256': 'scram-sha-256', 'sasl-scram-512': 'scram-sha-512' } as const;

/** Reads the cluster's secrets. Throws a ConfigError that says which option is missing or which secret is not in the form it should be. */
export async function readCredentials({ auth = { type: 'none' }, tls }: ClusterConfig, context: AuthContext): Promise<Credentials> {
  const ssl = (tls ?? auth.type !== 'none') ? await readTls(auth, tls, context) : undefined;
  if (ssl === undefined && (auth.type === 'mtls' || auth.type === 'msk-iam'))
    throw new ConfigError('CONFIG_INVALID', `Expected cluster.tls not to be false, as cluster.auth.type ${auth.type} needs TLS.`);
  const sasl = await readSasl(auth, context);
  return { ...(ssl === undefined ? {} : { ssl }), ...(sasl === undefined ? {} : { sasl }) };
}

async function readTls(auth: ClusterAuth, tls: ClusterConfig['tls'], { secret }: AuthContext): Promise<ConnectionOptions> {
  const { ca, serverName } = typeof tls === 'object' ? tls : {};
  const authority = ca === undefined ? undefined : typeof ca === 'string' ? ca : pemOf(await secret(ca));
  return {
    ...(authority === undefined ? {} : { ca: authority }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(auth.type === 'mtls' ? await readCertificate(auth, secret) : {}),
  };
}

/** PEM as it is, or in the JSON form {"certificate": PEM} that AWS Lambda reads. */
function pemOf(text: string): string {
  const certificate = jsonObject(text)?.['certificate'];
  return typeof certificate === 'string' ? certificate : text;
}

async function readCertificate(auth: Extract<ClusterAuth, { type: 'mtls' }>, secret: ReadSecret): Promise<ConnectionOptions> {
  if (auth.secret !== undefined) {
    const { certificate, privateKey, privateKeyPassword } = await readFields(auth.secret, ['certificate', 'privateKey'], secret);
    return { cert: certificate, key: privateKey, ...(privateKeyPassword === undefined ? {} : { passphrase: privateKeyPassword }) };
  }
  if (auth.certificate === undefined || auth.privateKey === undefined)
    throw missing('cluster.auth.secret, or cluster.auth.certificate and cluster.auth.privateKey', 'mtls');
  const [cert, key, passphrase] = await Promise.all([
    secret(auth.certificate),
    secret(auth.privateKey),
    auth.privateKeyPassword === undefined ? undefined : secret(auth.privateKeyPassword),
  ]);
  return { cert, key, ...(passphrase === undefined ? {} : { passphrase }) };
}

async function readSasl(auth: ClusterAuth, context: AuthContext): Promise<SASLOptions | undefined> {
  switch (auth.type) {
    case 'none':
    case 'mtls':
      return undefined;
    case 'oauthbearer':
      return bearer(oauthTokens(auth, context), context, auth.extensions);
    case 'msk-iam':
      return bearer(mskTokens({ region: regionOf(auth.region, context), roleArn: auth.roleArn }), context);
    default: {
      const { username, password } = await readLogin(auth, context.secret);
      return { mechanism: mechanisms[auth.type], username, password } as SASLOptions;
    }
  }
}

type SaslAuth = Extract<ClusterAuth, { type: keyof typeof mechanisms }>;

async function readLogin(auth: SaslAuth, secret: ReadSecret): Promise<{ username: string; password: string }> {
  if (auth.secret !== undefined && auth.username === undefined) {
    const { username, password } = await readFields(auth.secret, ['username', 'password'], secret);
    return { username: username ?? '', password: password ?? '' };
  }
  const password = auth.password ?? auth.secret;
  if (auth.username === undefined || password === undefined)
    throw missing('cluster.auth.secret, or cluster.auth.username and cluster.auth.password', auth.type);
  const username = typeof auth.username === 'string' ? auth.username : await secret(auth.username);
  return { username, password: await secret(password) };
}

function oauthTokens(auth: Extract<ClusterAuth, { type: 'oauthbearer' }>, { secret, fetch, now }: AuthContext): TokenSource {
  if (auth.token !== undefined) return secretTokens(auth.token, secret, now);
  const { tokenEndpoint, clientId, clientSecret, scope, audience } = auth;
  if (tokenEndpoint === undefined || clientId === undefined || clientSecret === undefined)
    throw missing('cluster.auth.token, or cluster.auth.tokenEndpoint, clientId and clientSecret', 'oauthbearer');
  return endpointTokens({ tokenEndpoint, clientId, clientSecret, scope, audience }, { secret, fetch, now });
}

function bearer(source: TokenSource, { now }: AuthContext, extensions?: Readonly<Record<string, string>>): SASLOptions {
  const token = refreshed(source, now);
  return {
    mechanism: 'oauthbearer',
    oauthBearerProvider: async () => ({ value: await token(), ...(extensions === undefined ? {} : { extensions }) }),
  } as SASLOptions;
}

function regionOf(region: string | undefined, { env }: AuthContext): string {
  const found = region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
  if (found === undefined) throw missing('cluster.auth.region', 'msk-iam');
  return found;
}

function missing(options: string, type: string): ConfigError {
  return new ConfigError('CONFIG_INVALID', `Expected ${options}, as cluster.auth.type is ${type}.`);
}

/** The fields of a secret that holds a JSON object. */
async function readFields(
  reference: SecretReference,
  required: readonly string[],
  secret: ReadSecret,
): Promise<Record<string, string | undefined>> {
  const found = jsonObject(await secret(reference));
  if (found === undefined || required.some((field) => typeof found[field] !== 'string'))
    throw new ConfigError(
      'SECRET_INVALID',
      `Expected the secret ${secretName(reference)} to be a JSON object with the texts ${required.join(' and ')}.`,
    );
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
