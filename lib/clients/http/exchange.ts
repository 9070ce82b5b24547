import type { Agent, Dispatcher } from 'undici';
import { RetriableError } from '../../core/errors.ts';

export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** An answer as it came, redirects included. */
export interface Answer {
  readonly status: number;
  /** Names in lower case; a header that came several times is joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether the body was longer than what was kept of it. */
  readonly isCut: boolean;
}

/** One request and its answer. Rejects with what the client library says, or a RetriableError once the signal aborts or the time is over; the connection is destroyed then. */
export function exchange(agent: Agent, { url, method, headers, body, signal, timeoutMs, maxBytes }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let failure: Error | undefined;
    const chunks: Buffer[] = [];
    let length = 0;
    let status = 0;
    let found: Readonly<Record<string, string | string[] | undefined>> = {};

    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (error: Error): void => {
      failure = error;
      settle();
      controller?.abort(error);
      reject(error);
    };
    const onAbort = (): void => fail(new RetriableError('HTTP_ABORTED', 'The time for writing is over'));
    const timer = setTimeout(() => fail(new RetriableError('HTTP_TIMEOUT', `The server did not answer within ${timeoutMs} ms`)), timeoutMs);
    const finish = (isCut: boolean): void => {
      settle();
      const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      resolve({ status, headers: flat(found), body: bytes.toString('utf8', 0, Math.min(length, maxBytes)), isCut });
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });

    agent.dispatch(
      { origin: url.origin, path: `${url.pathname}${url.search}`, method, headers, body },
      {
        onRequestStart(started) {
          controller = started;
          // It waited for a connection until now: nothing of it has been sent.
          if (failure !== undefined) started.abort(failure);
        },
        onResponseStart(_, code, received) {
          status = code;
          found = received;
        },
        onResponseData(_, chunk) {
          if (failure !== undefined || length > maxBytes) return;
          chunks.push(chunk);
          length += chunk.length;
          if (length <= maxBytes) return;
          finish(true);
          controller?.abort(new Error('The answer is longer than what is read of it'));
        },
        onResponseEnd() {
          if (failure === undefined && length <= maxBytes) finish(false);
        },
        onResponseError(_, error) {
          if (failure !== undefined || length > maxBytes) return;
          failure = error;
          settle();
          reject(error);
        },
      },
    );
  });
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) result[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return result;
}
