import { ConfigError, type ConnectorError, DataError, RetriableError } from '../../core/errors.ts';
import type { ErrorRule } from '../../core/sink.ts';

/** What a rule depends on besides the status. */
export type Circumstance = 'tombstone' | 'fixed-path' | 'deduplicates';

/** One line of the classification: the first line that fits decides. */
export interface Rule {
  readonly status: readonly [number, number];
  readonly when?: Circumstance;
  /** refused: a data error; several records of one request are sent again in halves until it is one. */
  readonly means: 'delivered' | 'retriable' | 'refused' | 'config';
  readonly code: string;
  readonly message: string;
  readonly unauthorized?: boolean;
}

const unavailable = { means: 'retriable', code: 'SINK_UNAVAILABLE', message: 'The receiver is not available' } as const;
const misconfigured = { means: 'config', code: 'SINK_MISCONFIGURED' } as const;
const missing = {
  means: 'config',
  code: 'SINK_TARGET_MISSING',
  message: 'The receiver knows no such address. Check connector.sink.url and method',
} as const;
const unauthorized = {
  means: 'config',
  code: 'SINK_UNAUTHORIZED',
  message: 'The receiver refused access. Check connector.sink.auth, signing and tls',
  unauthorized: true,
} as const;

/** What a status means that is in neither of the lists `success` and `retry`. */
export const statusRules: readonly Rule[] = [
  { status: [404, 404], when: 'tombstone', means: 'delivered', code: '', message: 'What a tombstone deletes is not there' },
  { status: [410, 410], when: 'tombstone', means: 'delivered', code: '', message: 'What a tombstone deletes is not there any more' },
  { status: [401, 401], ...unauthorized },
  { status: [403, 403], ...unauthorized },
  { status: [407, 407], ...unauthorized },
  {
    status: [409, 409],
    when: 'deduplicates',
    means: 'retriable',
    code: 'SINK_CONFLICT',
    message: 'The receiver is still working on the same request',
  },
  { status: [404, 404], when: 'fixed-path', ...missing },
  { status: [410, 410], when: 'fixed-path', ...missing },
  { status: [405, 405], ...missing },
  { status: [402, 402], ...misconfigured, message: 'The receiver wants to be paid' },
  {
    status: [406, 406],
    ...misconfigured,
    message: 'The receiver cannot answer as asked. Check the header accept in connector.sink.headers',
  },
  { status: [415, 415], ...misconfigured, message: 'The receiver does not take this kind of content. Check connector.sink.contentType' },
  { status: [421, 421], ...misconfigured, message: 'The receiver does not answer for this host. Check connector.sink.url' },
  { status: [426, 426], ...misconfigured, message: 'The receiver wants another protocol. Check connector.sink.url' },
  { status: [413, 413], means: 'refused', code: 'SINK_RECORD_TOO_LARGE', message: 'Record is larger than the receiver takes' },
  { status: [423, 424], ...unavailable },
  { status: [300, 399], ...misconfigured, message: 'The receiver redirects without saying where to. Check connector.sink.url' },
  { status: [400, 499], means: 'refused', code: 'SINK_REJECTED_RECORD', message: 'The receiver refused the record' },
  {
    status: [500, 599],
    means: 'refused',
    code: 'SINK_REJECTED_RECORD',
    message: 'The receiver failed with a status that connector.sink.retry leaves out',
  },
  { status: [0, 999], ...unavailable },
];

export interface StatusLists {
  readonly success: readonly (number | string)[];
  readonly retry: readonly (number | string)[];
}

/** The rule for a status, under circumstances. */
export type Classify = (status: number, circumstances: ReadonlySet<Circumstance>) => Rule;

const delivered: Rule = { status: [0, 999], means: 'delivered', code: '', message: 'The receiver took it' };
const throttled: Rule = { status: [429, 429], means: 'retriable', code: 'SINK_THROTTLED', message: 'The receiver asks for less' };
const again: Rule = { status: [0, 999], ...unavailable };

/** What an item comes to that the receiver refuses without a status. */
export const refusedItem: Rule = {
  status: [0, 999],
  means: 'refused',
  code: 'SINK_REJECTED_RECORD',
  message: 'The receiver refused the record',
};

/** The operator's lists decide first, then the table. */
export function classifier({ success, retry }: StatusLists): Classify {
  const isSuccess = ranges(success);
  const isRetry = ranges(retry);
  return (status, circumstances) => {
    if (isSuccess(status)) return delivered;
    if (isRetry(status)) return status === 429 ? throttled : again;
    const fits = ({ status: [first, last], when }: Rule): boolean =>
      status >= first && status <= last && (when === undefined || circumstances.has(when));
    return statusRules.find(fits) ?? again;
  };
}

function ranges(list: readonly (number | string)[]): (status: number) => boolean {
  const pairs = list.map((entry) => String(entry).split('-').map(Number) as [number, number?]);
  return (status) => pairs.some(([first, last = first]) => status >= first && status <= last);
}

/** The error that a rule stands for. `said` is what the receiver says about it, fit for a message. */
export function errorOf(
  rule: Rule,
  {
    status,
    said,
    where,
    retryAfterMs,
  }: { readonly status: number | undefined; readonly said: string; readonly where: string; readonly retryAfterMs?: number | undefined },
): ConnectorError {
  const details = [status === undefined ? '' : String(status), said].filter((part) => part !== '').join(' ');
  const message = `${rule.message}${details === '' ? '' : `: ${details}`}${where}`;
  if (rule.means === 'config') return new ConfigError(rule.code, message, { unauthorized: rule.unauthorized ?? false });
  return rule.means === 'refused' ? new DataError(rule.code, message) : new RetriableError(rule.code, message, { retryAfterMs });
}

const circumstanceNames: Readonly<Record<Circumstance, string>> = {
  tombstone: ' for a tombstone',
  'fixed-path': ' where records have no say in the path',
  deduplicates: ' with receiverDeduplicates',
};

/** The table for the reference page. */
export const errorRules: readonly ErrorRule[] = [
  { when: 'a status of `success` (200-299)', class: 'delivered', meaning: 'the receiver took it' },
  {
    when: 'a status of `retry` (408, 425, 429, 500-599)',
    class: 'retriable',
    meaning: 'not for now; `Retry-After` is honoured in both forms, up to an hour',
  },
  ...statusRules.map(
    ({ status: [first, last], when, means, message }): ErrorRule => ({
      when:
        last === 999
          ? 'any other answer'
          : `HTTP ${first === last ? first : `${first}-${last}`}${when === undefined ? '' : circumstanceNames[when]}`,
      class: means === 'refused' ? 'data' : means,
      meaning: message,
    }),
  ),
  {
    when: 'no answer: refused, reset, timed out, name unknown',
    class: 'retriable',
    meaning: 'the receiver cannot be reached; what was sent may have arrived',
  },
  { when: 'several failures in a row', class: 'retriable', meaning: 'the circuit breaker is open, nothing is sent' },
  { when: 'an answer that lacks some of the items', class: 'retriable', meaning: 'what nobody said anything about is not delivered' },
  { when: 'a certificate that is not trusted, or is refused', class: 'config', meaning: 'check connector.sink.tls' },
  { when: 'a private, loopback or metadata address', class: 'config', meaning: 'refused unless connector.sink.allowPrivate is true' },
  { when: 'a redirect to another origin, or one that would lose the body', class: 'config', meaning: 'not followed' },
  { when: 'the token endpoint refuses the client', class: 'config', meaning: 'check connector.sink.auth' },
  {
    when: 'a placeholder that the record cannot fill, or fills with what may not stand there',
    class: 'data',
    meaning: 'nothing is sent for the record',
  },
];
