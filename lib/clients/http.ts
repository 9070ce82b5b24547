import type { LookupFunction } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Agent } from 'undici';
import { ConfigError } from '../core/errors.ts';
import { checkHost, publicLookup } from './http/address.ts';
import { attentiveConnector } from './http/connector.ts';
import { type Answer, exchange } from './http/exchange.ts';
import { toFailure } from './http/failure.ts';
import { readRetryAfter } from './http/retry-after.ts';

/** Texts in PEM. Certificates are always checked. */
export interface HttpTls {
  /** Trusted instead of the authorities that Node knows. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name to expect in the certificate, where it is not the host of the URL. */
  readonly servername?: string | undefined;
}

export interface HttpSettings {
  /** For a request with its whole answer, redirects included. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs?: number;
  /** Whether addresses that only this network knows may be connected to. */
  readonly allowPrivate?: boolean;
  readonly tls?: HttpTls | undefined;
  /** What is read of an answer at most. Default: 64 KB. */
  readonly maxResponseBytes?: number;
  /** Connections to one origin at most. Default: as many as requests are under way. */
  readonly connections?: number | undefined;
  /** How often an answer may send a request on, within its origin. 0 hands redirects to the caller. Default: 3. */
  readonly maxRedirects?: number;
  /** Where the options are that messages advise to set, e.g. `connector.sink`. */
  readonly path?: string;
  /** The option that allows private addresses. Default: `allowPrivate` at `path`. */
  readonly allowPrivatePath?: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** For tests: how names become addresses. */
  readonly lookup?: LookupFunction;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string | URL;
  /** Host, Content-Length and what else belongs to the connection is not the caller's. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  readonly signal: AbortSignal;
}

export interface HttpResponse extends Answer {
  /** From either form of `Retry-After`. */
  readonly retryAfterMs: number | undefined;
}

/** Sends requests, each once. */
export interface HttpClient {
  /** The answer, whatever its status. Throws a RetriableError when there is none, and a ConfigError for a certificate, an address or a redirect that is not allowed, and for what is no request. */
  request(request: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

const defaultResponseBytes = 65_536;

/** Opens a client that connects to nothing yet. Throws a ConfigError for certificates that cannot be read. */
export function openHttp(settings: HttpSettings): HttpClient {
  const { timeoutMs, connectTimeoutMs = 5_000, allowPrivate = false, maxRedirects = 3, path = 'connector.sink', now } = settings;
  const { maxResponseBytes: maxBytes = defaultResponseBytes, connections, lookup, tls } = settings;
  const { allowPrivatePath = `${path}.allowPrivate` } = settings;
  const resolve = allowPrivate ? lookup : publicLookup(allowPrivatePath, lookup);
  const agent = new Agent({
    ...(connections === undefined ? {} : { connections }),
    headersTimeout: 0, // each request has a timer of its own
    bodyTimeout: 0,
    connect: attentiveConnector({
      timeout: connectTimeoutMs,
      rejectUnauthorized: true,
      ...(resolve === undefined ? {} : { lookup: resolve }),
      ...(tls === undefined ? {} : { secureContext: secureContext(tls, path) }),
      ...(tls?.servername === undefined ? {} : { servername: tls.servername }),
    }),
  });

  const follow = async (request: HttpRequest, url: URL, endMs: number): Promise<Answer> => {
    const { method, headers = {}, body = null, signal } = request;
    let target = url;
    for (let redirects = 0; ; redirects++) {
      const leftMs = redirects === 0 ? timeoutMs : Math.max(1, endMs - now());
      const answer = await exchange(agent, { url: target, method, headers, body, signal, timeoutMs: leftMs, maxBytes });
      if (maxRedirects === 0 || !isRedirect(answer.status)) return answer;
      if (redirects === maxRedirects)
        throw new ConfigError('HTTP_REDIRECT', `The server redirects more than ${maxRedirects} times. Check the URL in ${path}.`);
      target = redirectTarget(target, method, answer, path);
    }
  };

  return {
    async request(request) {
      const url = typeof request.url === 'string' ? parsed(request.url, path) : request.url;
      if (url.username !== '' || url.password !== '')
        throw new ConfigError(
          'HTTP_REQUEST_INVALID',
          `Expected a URL without user and password, which are not sent. Check the URL in ${path}.`,
        );
      if (!allowPrivate) checkHost(url.hostname, allowPrivatePath);
      try {
        const answer = await follow(request, url, now() + timeoutMs);
        const { status, headers, body, isCut } = answer;
        return { status, headers, body, isCut, retryAfterMs: readRetryAfter(headers['retry-after'], now()) };
      } catch (error) {
        throw toFailure(error, path);
      }
    },
    // Whoever still waits learns of it: a client is closed when nothing may be in flight any more.
    close: () => agent.destroy(),
  };
}

function parsed(text: string, path: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new ConfigError('HTTP_REQUEST_INVALID', `Expected an http or https URL. Check the URL in ${path}.`); // it may hold a token
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** Where a redirect leads. Throws a ConfigError for another origin, and where following would turn a request into one without its body. */
function redirectTarget(from: URL, method: string, { status, headers }: Answer, path: string): URL {
  const location = headers['location'];
  if (location === undefined || !URL.canParse(location, from.href))
    throw new ConfigError('HTTP_REDIRECT', `The server redirects (${status}) without saying where to. Check the URL in ${path}.`);
  const target = new URL(location, from);
  if (target.origin !== from.origin)
    throw new ConfigError(
      'HTTP_REDIRECT',
      `The server redirects (${status}) to another origin, which is not followed. Set the URL in ${path} to where it leads if that is meant.`,
    );
  if (status < 307 && method !== 'GET' && method !== 'HEAD')
    throw new ConfigError(
      'HTTP_REDIRECT',
      `The server redirects (${status}) such that what was sent would be lost. Set the URL in ${path} to where it leads.`,
    );
  return target;
}

function secureContext({ ca, cert, key }: HttpTls, path: string): SecureContext {
  try {
    return createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
  } catch {
    // The reason may quote the key.
    throw new ConfigError('HTTP_TLS', `Expected the certificates and the key in ${path}.tls to be PEM texts that belong together.`);
  }
}
