import type { HttpClient, HttpResponse } from '../../clients/http.ts';
import { ConfigError, type ConnectorError, RetriableError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';

export interface TokenOptions {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | undefined;
  readonly audience: string | undefined;
  /** Where the client's name and secret are sent. */
  readonly send: 'header' | 'body';
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Is told of each token that is received, for messages to leave it out. */
  readonly received?: (token: string) => void;
}

/** An access token that is fetched when it is needed, by one request however many need it. */
export interface TokenSource {
  /** The token at once where it is known. */
  get(signal: AbortSignal): string | Promise<string>;
  /** Forgets a token that was refused, unless another has taken its place. */
  drop(token: string): void;
}

interface Fetching {
  readonly token: Promise<string>;
  readonly controller: AbortController;
  waiting: number;
}

/** Tokens of OAuth 2.0 for client credentials, kept until shortly before they run out. */
export function tokenSource(client: HttpClient, options: TokenOptions): TokenSource {
  const { now } = options;
  let known: { readonly token: string; readonly until: number } | undefined;
  let fetching: Fetching | undefined;

  const start = (): Fetching => {
    const controller = new AbortController();
    const askedAt = now();
    const token = fetchToken(client, options, controller.signal).then(({ token, livesMs }) => {
      // A token must not run out on its way.
      known = { token, until: askedAt + livesMs - Math.min(60_000, livesMs / 10) };
      options.received?.(token);
      return token;
    });
    const started = { token, controller, waiting: 0 };
    const forget = (): void => {
      if (fetching === started) fetching = undefined;
    };
    token.then(forget, forget);
    return started;
  };
  const wait = async (signal: AbortSignal): Promise<string> => {
    fetching ??= start();
    const current = fetching;
    current.waiting++;
    const over = new AbortController();
    try {
      const aborted = new Promise<never>((_, reject) => {
        const fail = (): void => reject(new RetriableError('HTTP_ABORTED', 'The time for writing is over'));
        if (signal.aborted) fail();
        else signal.addEventListener('abort', fail, { once: true, signal: over.signal });
      });
      return await Promise.race([current.token, aborted]);
    } finally {
      over.abort();
      current.waiting--;
      // Nobody wants it any more: it must not stay in flight.
      if (current.waiting === 0) {
        if (fetching === current) fetching = undefined;
        current.controller.abort();
      }
    }
  };
  return {
    get: (signal) => (known !== undefined && now() < known.until ? known.token : wait(signal)),
    drop(token) {
      if (known?.token === token) known = undefined;
    },
  };
}

async function fetchToken(
  client: HttpClient,
  { tokenUrl, clientId, clientSecret, scope, audience, send }: TokenOptions,
  signal: AbortSignal,
): Promise<{ readonly token: string; readonly livesMs: number }> {
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (scope !== undefined) form.set('scope', scope);
  if (audience !== undefined) form.set('audience', audience);
  const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  if (send === 'header') {
    const pair = `${formText(clientId)}:${formText(clientSecret)}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
  } else {
    form.set('client_id', clientId);
    form.set('client_secret', clientSecret);
  }
  const response = await client.request({ method: 'POST', url: tokenUrl, headers, body: form.toString(), signal });
  if (response.status !== 200) throw tokenFailure(response);
  return readToken(response);
}

// RFC 6749 wants both encoded like a form before they are joined.
function formText(text: string): string {
  return new URLSearchParams({ x: text }).toString().slice(2);
}

/** Servers answer 400 with a word for the reason. */
function tokenFailure({ status, body, retryAfterMs }: HttpResponse): ConnectorError {
  const reason = wordOf(parsed(body)?.['error']);
  const said = `${status}${reason === undefined ? '' : ` ${reason}`}`;
  if (status === 408 || status === 429 || status >= 500 || reason === 'temporarily_unavailable')
    return new RetriableError('TOKEN_UNAVAILABLE', `The token endpoint cannot answer for now (${said})`, { retryAfterMs });
  return new ConfigError('TOKEN_REFUSED', `The token endpoint refused the client (${said}). Check connector.sink.auth.`, {
    unauthorized: true,
  });
}

function readToken({ body }: HttpResponse): { readonly token: string; readonly livesMs: number } {
  const { access_token: token, token_type: type = 'bearer', expires_in: seconds } = parsed(body) ?? {};
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token) || typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    throw new ConfigError(
      'TOKEN_REFUSED',
      'Expected a bearer token from the token endpoint, got something else. Check connector.sink.auth.tokenUrl.',
    );
  const lives = Number(seconds);
  return { token, livesMs: seconds === undefined || !(lives > 0) ? Number.POSITIVE_INFINITY : lives * 1_000 };
}

function parsed(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[a-z_]{1,60}$/.test(value) ? value : undefined;
}
