import { Client, Transport } from '@elastic/elasticsearch';
import { ConfigError, RetriableError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';

export interface ClientSettings {
  readonly nodes: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly ca?: string | undefined;
  readonly verify: boolean;
  readonly compression: boolean;
  readonly timeoutMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface Request {
  readonly method: 'POST' | 'HEAD';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | boolean>>;
  readonly body?: Buffer;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
}

/** Sends requests, each once. */
export interface SearchClient {
  /** The answer, whatever its status. Throws a RetriableError when there is none, and a ConfigError for a certificate that is not trusted. */
  send(request: Request): Promise<Answer>;
  close(): Promise<void>;
}

// Plain media types and no product check: so the same requests work with Elasticsearch 7 to 9 and with OpenSearch, and nobody has to be asked who they are.
const plain = { jsonContentType: 'application/json', ndjsonContentType: 'application/x-ndjson', accept: 'application/json' };

class PlainTransport extends Transport {
  constructor(options: ConstructorParameters<typeof Transport>[0]) {
    const { productCheck: _, ...rest } = options;
    super({ ...rest, vendoredHeaders: plain, openTelemetry: { enabled: false } });
  }
}

// Every status is an answer: an error of the client's own would copy the whole request.
const everyStatus = Array.from({ length: 300 }, (_, index) => 300 + index);

export function openClient({ nodes, headers, ca, verify, compression, timeoutMs, now }: ClientSettings): SearchClient {
  const client = new Client({
    nodes: [...nodes],
    headers: { ...headers },
    ...(nodes.every((node) => node.startsWith('https:'))
      ? { tls: { rejectUnauthorized: verify, ...(ca === undefined ? {} : { ca }) } }
      : {}),
    compression,
    maxRetries: 0,
    requestTimeout: timeoutMs,
    Transport: PlainTransport,
    redaction: { type: 'remove' }, // the default walks through the body byte by byte whenever a request fails
    enableMetaHeader: false,
  });
  return {
    async send({ method, path, query, body, signal }) {
      try {
        const params = {
          method,
          path,
          ...(query === undefined ? {} : { querystring: query }),
          ...(body === undefined ? {} : { bulkBody: body }),
        };
        const {
          statusCode,
          body: answer,
          headers: found,
        } = await client.transport.request(params, {
          signal,
          ignore: everyStatus,
          meta: true,
        });
        return { status: statusCode ?? 0, body: answer, retryAfterMs: retryAfter(found['retry-after'], now) };
      } catch (error) {
        throw noAnswer(error, signal);
      }
    },
    close: () => client.close(),
  };
}

// The client's errors carry the request with its records, so none of them is kept as a cause.
function noAnswer(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return new RetriableError('SINK_ABORTED', 'The time for writing is over');
  const { name, message } = error instanceof Error ? error : { name: typeof error, message: '' };
  if (/certificate|altnames|wrong version number/i.test(message)) {
    const advice = 'Check connector.sink.node and connector.sink.tls.';
    return new ConfigError('SINK_TLS', `Elasticsearch cannot be trusted: its certificate does not fit. ${advice}`);
  }
  if (name === 'DeserializationError')
    return new RetriableError('SINK_ANSWER_INCOMPLETE', 'Elasticsearch answered with something that is not JSON');
  if (name === 'TimeoutError') return new RetriableError('SINK_TIMEOUT', 'Elasticsearch did not answer in time');
  const code = /\bE[A-Z]{4,}\b/.exec(message)?.[0];
  return new RetriableError('SINK_UNREACHABLE', `Elasticsearch cannot be reached${code === undefined ? '' : `: ${code}`}`);
}

function retryAfter(header: unknown, now: () => number): number | undefined {
  if (typeof header !== 'string' || header === '') return undefined;
  const delayMs = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now();
  return Number.isNaN(delayMs) ? undefined : Math.max(0, delayMs);
}

/** What an answer of another shape than expected says about its failure. */
export function failureOf(body: unknown): { readonly type?: string; readonly reason?: string; readonly index?: string } {
  const error = isObject(body) ? body['error'] : undefined;
  if (!isObject(error)) return {};
  const { type, reason, index } = error;
  return {
    ...(typeof type === 'string' ? { type } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof index === 'string' ? { index } : {}),
  };
}
