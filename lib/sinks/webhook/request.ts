import type { HttpClient, HttpResponse } from '../../clients/http.ts';
import { RetriableError } from '../../core/errors.ts';
import type { Content } from './body.ts';
import type { Breaker } from './breaker.ts';
import type { Headers } from './headers.ts';
import type { Signer } from './signature.ts';
import type { TokenSource } from './tokens.ts';

/** One request, but for what depends on the time it is sent at. */
export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: Content | undefined;
  /** What the receiver knows it by. */
  readonly id: string;
}

/** The answer, whatever its status. Throws a ConnectorError when there is none. */
export type Send = (outgoing: Outgoing, signal: AbortSignal) => Promise<HttpResponse>;

export interface SendOptions {
  readonly client: HttpClient;
  readonly breaker: Breaker;
  readonly signer: Signer | undefined;
  readonly tokens: TokenSource | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Sends requests, each signed for its attempt. A token that is refused is fetched anew, once. */
export function sender({ client, breaker, signer, tokens, now }: SendOptions): Send {
  const attempt = (outgoing: Outgoing, token: string | undefined, signal: AbortSignal): Promise<HttpResponse> => {
    const { method, url, body, id } = outgoing;
    let { headers } = outgoing;
    if (token !== undefined) headers = { ...headers, authorization: `Bearer ${token}` };
    if (signer !== undefined) headers = { ...headers, ...signer(id, body ?? '', now()) };
    return guarded(breaker, url.host, () => client.request({ method, url, headers, body, signal }));
  };
  if (tokens === undefined) return (outgoing, signal) => attempt(outgoing, undefined, signal);
  return async (outgoing, signal) => {
    const token = await tokens.get(signal);
    const response = await attempt(outgoing, token, signal);
    if (response.status !== 401) return response;
    tokens.drop(token);
    return await attempt(outgoing, await tokens.get(signal), signal);
  };
}

async function guarded(breaker: Breaker, host: string, send: () => Promise<HttpResponse>): Promise<HttpResponse> {
  const ended = breaker.admit(host);
  if (ended instanceof RetriableError) throw ended;
  try {
    const response = await send();
    ended(response.status >= 500 ? 'failed' : 'answered');
    return response;
  } catch (error) {
    ended(error instanceof RetriableError && error.code !== 'HTTP_ABORTED' ? 'failed' : 'unknown');
    throw error;
  }
}
