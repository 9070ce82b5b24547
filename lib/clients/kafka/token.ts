import { ConfigError, isTransient, RetriableError } from '../../core/errors.ts';
import { type ReadSecret, type SecretReference, secretName } from '../../core/secret.ts';

export interface Token {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Gets a new token. */
export type TokenSource = () => Promise<Token>;

const timeoutMs = 10_000;
// Tokens without a stated end, opaque ones in a secret, are read again this often.
const unknownLifetimeMs = 300_000;
// A session ends with its token, and kafkajs renews it this long before: the token must be a fresh one by then.
export const reauthenticateMs = 10_000;

/** Keeps a token until four fifths of its life are over, or ten seconds are left, and answers the same to all who ask meanwhile. A refresh that fails is no harm while the old token lasts. */
export function refreshed(source: TokenSource, now: () => number): () => Promise<string> {
  let current: { readonly token: Token; readonly refreshAt: number } | undefined;
  let pending: Promise<string> | undefined;
  const refresh = async (): Promise<string> => {
    try {
      const token = await source();
      const lifetimeMs = token.expiresAt - now();
      current = { token, refreshAt: now() + Math.min(lifetimeMs * 0.8, lifetimeMs - reauthenticateMs) };
      return token.value;
    } catch (error) {
      if (current !== undefined && current.token.expiresAt > now()) return current.token.value;
      throw error;
    } finally {
      pending = undefined;
    }
  };
  return async () => {
    if (current !== undefined && now() < current.refreshAt) return current.token.value;
    pending ??= refresh();
    return pending;
  };
}

/** A token that somebody else keeps in a secret. When it is a JWT its own expiry counts. */
export function secretTokens(reference: SecretReference, secret: ReadSecret, now: () => number): TokenSource {
  return async () => {
    const value = (await secret(reference)).trim();
    const expiresAt = jwtExpiry(value) ?? now() + unknownLifetimeMs;
    if (expiresAt <= now())
      throw new ConfigError('KAFKA_UNAUTHORIZED', `The token in ${secretName(reference)} has expired. Put a fresh one there.`, {
        unauthorized: true,
      });
    return { value, expiresAt };
  };
}

function jwtExpiry(token: string): number | undefined {
  const [, claims, signature] = token.split('.');
  if (claims === undefined || signature === undefined) return undefined;
  try {
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}

export interface EndpointOptions {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: SecretReference;
  readonly scope?: string | undefined;
  readonly audience?: string | undefined;
}

/** Tokens by the client credentials grant of OAuth 2 (RFC 6749, 4.4). */
export function endpointTokens(
  { tokenEndpoint, clientId, clientSecret, scope, audience }: EndpointOptions,
  { secret, fetch, now }: { readonly secret: ReadSecret; readonly fetch: typeof globalThis.fetch; readonly now: () => number },
): TokenSource {
  return async () => {
    const login = `${encodeURIComponent(clientId)}:${encodeURIComponent(await secret(clientSecret))}`;
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      ...(scope === undefined ? {} : { scope }),
      ...(audience === undefined ? {} : { audience }),
    });
    const headers = { authorization: `Basic ${Buffer.from(login).toString('base64')}`, accept: 'application/json' };
    const response = await post(fetch, tokenEndpoint, { headers, body });
    const answer = (await response.json().catch(() => undefined)) as { access_token?: unknown; expires_in?: unknown } | undefined;
    const value = answer?.access_token;
    if (typeof value !== 'string')
      throw new RetriableError(
        'KAFKA_TOKEN_ENDPOINT',
        `The token endpoint ${new URL(tokenEndpoint).host} answered without an access_token`,
      );
    const seconds = Number(answer?.expires_in);
    return { value, expiresAt: seconds > 0 ? now() + seconds * 1000 : (jwtExpiry(value) ?? now() + unknownLifetimeMs) };
  };
}

async function post(
  fetch: typeof globalThis.fetch,
  url: string,
  request: { headers: Record<string, string>; body: URLSearchParams },
): Promise<Response> {
  const { host } = new URL(url);
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', ...request, signal: AbortSignal.timeout(timeoutMs) });
  } catch (cause) {
    throw new RetriableError('KAFKA_TOKEN_ENDPOINT', `The token endpoint ${host} could not be reached`, { cause });
  }
  if (response.ok) return response;
  if (response.status === 429 || response.status >= 500)
    throw new RetriableError('KAFKA_TOKEN_ENDPOINT', `The token endpoint ${host} answered ${response.status}`);
  const advice = 'Check cluster.auth.clientId, clientSecret, scope and audience.';
  throw new ConfigError('KAFKA_UNAUTHORIZED', `The token endpoint ${host} answered ${response.status}. ${advice}`, { unauthorized: true });
}

/** Tokens for Amazon MSK, signed with the credentials that AWS gives to this process. */
export function mskTokens({ region, roleArn }: { readonly region: string; readonly roleArn?: string | undefined }): TokenSource {
  return async () => {
    const { generateAuthToken, generateAuthTokenFromRole } = await import('aws-msk-iam-sasl-signer-js');
    try {
      const { token, expiryTime } = await (roleArn === undefined
        ? generateAuthToken({ region })
        : generateAuthTokenFromRole({ region, awsRoleArn: roleArn, awsRoleSessionName: 'sluice' }));
      return { value: token, expiresAt: expiryTime };
    } catch (cause) {
      if (isTransient(cause)) throw new RetriableError('KAFKA_AWS_CREDENTIALS', 'AWS credentials for MSK could not be had', { cause });
      const message = `No AWS credentials for MSK in ${region}. Give the function a role, or set cluster.auth.roleArn to one it may assume.`;
      throw new ConfigError('KAFKA_UNAUTHORIZED', message, { cause, unauthorized: true });
    }
  };
}
