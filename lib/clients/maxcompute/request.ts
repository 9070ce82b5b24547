import http from 'node:http';
import https from 'node:https';

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends requests, each once, over connections that are kept. */
export interface HttpClient {
  /** The answer, whatever its status. Throws what the network throws. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

const maxAnswerBytes = 64_000_000;

export function httpClient({ connections }: { readonly connections: number }): HttpClient {
  const settings = { keepAlive: true, maxSockets: connections };
  const agents = { 'http:': new http.Agent(settings), 'https:': new https.Agent(settings) };
  return {
    send: (request) =>
      request.url.protocol === 'https:'
        ? exchange(request, https.request, agents['https:'])
        : exchange(request, http.request, agents['http:']),
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function exchange(
  { method, url, headers, body, timeoutMs, signal }: HttpRequest,
  open: typeof http.request,
  agent: http.Agent,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = open(url, { method, headers, agent, signal });
    const timer = setTimeout(() => request.destroy(timedOut()), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    let isAnswered = false;
    // A service that refuses a large body answers before it has read it, and what is still being sent breaks: the answer says why.
    request.on('error', (error) => {
      if (!isAnswered || signal.aborted) fail(error);
    });
    request.on('response', (response) => {
      isAnswered = true;
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxAnswerBytes) response.destroy(new Error('The answer is too large'));
        else chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
      response.on('close', () => {
        if (!response.complete) fail(Object.assign(new Error('The answer broke off'), { code: 'ECONNRESET' }));
      });
    });
    request.end(body);
  });
}

function timedOut(): Error {
  return Object.assign(new Error('No answer in time'), { code: 'ETIMEDOUT' });
}
