import { excerptOf } from '../../clients/http/excerpt.ts';
import type { HttpResponse } from '../../clients/http.ts';
import { ConfigError, type ConnectorError, RetriableError } from '../../core/errors.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { Outcome } from '../../core/sink.ts';
import type { ContentOf } from './body.ts';
import { type Circumstance, type Classify, errorOf, type Rule } from './classification.ts';
import type { Headers } from './headers.ts';
import type { IdOf } from './idempotency.ts';
import type { Send } from './request.ts';
import { sentTexts } from './sent.ts';
import type { UrlTemplate } from './url.ts';

/** What single requests and batches have in common. */
export interface Plan {
  readonly method: string;
  readonly url: UrlTemplate;
  /** The same for every request. */
  readonly headers: Headers;
  readonly headersOf: ((record: KafkaRecord) => Headers) | undefined;
  /** Undefined where requests have no body. */
  readonly contentOf: ContentOf | undefined;
  readonly idOf: IdOf;
  readonly idempotencyHeader: string | undefined;
  readonly tombstones: 'ignore' | 'send' | 'delete';
  readonly circumstances: ReadonlySet<Circumstance>;
  readonly classify: Classify;
  readonly send: Send;
  readonly concurrency: number;
  /** Texts that no message may hold. */
  readonly secrets: readonly string[];
}

/** The error of an answer, with what the receiver says about it. */
export function answerError(
  plan: Plan,
  rule: Rule,
  { status, body, retryAfterMs }: HttpResponse,
  records: readonly KafkaRecord[],
): ConnectorError {
  return errorOf(rule, { status, said: excerpts(plan, records)(body), where: whereOf(records), retryAfterMs });
}

/** Makes what the receiver says fit for a message: without secrets and without what was sent. */
export function excerpts({ secrets }: Plan, records: readonly KafkaRecord[]): (text: string) => string {
  let hide: ((text: string) => string) | undefined;
  return (text) => {
    if (text === '') return '';
    hide ??= excerptOf({ secrets, values: sentTexts(records) });
    return hide(text);
  };
}

export function whereOf(records: readonly KafkaRecord[]): string {
  const [first] = records;
  const last = records.at(-1);
  if (first === undefined || last === undefined) return '';
  return records.length === 1 ? ` (${originName(first.origin)})` : ` (${originName(first.origin)} to ${originName(last.origin)})`;
}

/** Whether what happened to one request will happen to the next: a wrong setting, a throttled or an unreachable receiver. */
export function stopsAll(outcome: Outcome): outcome is ConnectorError {
  if (outcome instanceof ConfigError) return true;
  return outcome instanceof RetriableError && (stoppingCodes.has(outcome.code) || outcome.retryAfterMs !== undefined);
}

const stoppingCodes = new Set(['CIRCUIT_OPEN', 'SINK_THROTTLED', 'HTTP_ABORTED', 'TOKEN_UNAVAILABLE']);

export function aborted(): RetriableError {
  return new RetriableError('HTTP_ABORTED', 'The time for writing is over');
}
