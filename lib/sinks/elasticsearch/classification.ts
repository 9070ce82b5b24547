import { ConfigError, type ConnectorError, DataError, RetriableError } from '../../core/errors.ts';
import type { ErrorRule } from '../../core/sink.ts';

export type OperationName = 'index' | 'create' | 'update' | 'delete';

/** What the server says about a failure: `reason` may hold values of the record and is never repeated. */
export interface Failure {
  readonly type?: string;
  readonly reason?: string;
  readonly index?: string;
}

/** One line of the classification: the first line that fits decides. */
export interface Rule {
  readonly operation?: OperationName;
  /** One status, or a first and a last. */
  readonly status?: number | readonly [number, number];
  readonly type?: string | RegExp;
  readonly reason?: RegExp;
  /** conflict: decided by the stored document. split: sent again in halves. */
  readonly means: 'delivered' | 'conflict' | 'split' | 'retriable' | 'data' | 'config';
  readonly code?: string;
  readonly message?: string;
  readonly unauthorized?: boolean;
}

const refusedAccess = {
  means: 'config',
  code: 'SINK_UNAUTHORIZED',
  message: 'Elasticsearch refused access. Check connector.sink.apiKey, or username and password.',
  unauthorized: true,
} as const;
const throttled = { means: 'retriable', code: 'SINK_THROTTLED', message: 'Elasticsearch is throttling writes' } as const;

/** What one item of a bulk answer means. */
export const itemRules: readonly Rule[] = [
  { status: [200, 299], means: 'delivered' },
  {
    status: 404,
    type: 'index_not_found_exception',
    means: 'config',
    code: 'SINK_TARGET_MISSING',
    message: 'The index does not exist. Create it, or check connector.sink.index and requireAlias.',
  },
  { operation: 'delete', status: 404, means: 'delivered' },
  {
    operation: 'update',
    status: 404,
    means: 'data',
    code: 'SINK_DOCUMENT_MISSING',
    message: 'There is no document to update. Set connector.sink.upsert to make one',
  },
  { operation: 'update', status: 409, means: 'retriable', code: 'SINK_CONFLICT', message: 'Another writer kept changing the document' },
  { status: 409, means: 'conflict' },
  { status: 429, ...throttled },
  { status: [401, 401], ...refusedAccess },
  { status: 403, type: 'security_exception', ...refusedAccess },
  {
    status: 403,
    type: /block_exception$/,
    means: 'config',
    code: 'SINK_TARGET_BLOCKED',
    message: 'The index is blocked for writes. Lift the block, or check connector.sink.index.',
  },
  { status: 403, ...refusedAccess },
  {
    type: 'illegal_argument_exception',
    reason: /pipeline with id \[.*\] does not exist/s,
    means: 'config',
    code: 'SINK_MISCONFIGURED',
    message: 'The ingest pipeline does not exist. Create it, or check connector.sink.pipeline.',
  },
  {
    type: 'illegal_argument_exception',
    reason: /op_type of create are allowed in data streams/,
    means: 'config',
    code: 'SINK_MISCONFIGURED',
    message: 'The index is a data stream, which takes new documents only. Set connector.sink.write to create and dataStream to true.',
  },
  {
    type: 'illegal_argument_exception',
    reason: /no write index is defined for alias/,
    means: 'config',
    code: 'SINK_MISCONFIGURED',
    message: 'The alias has no write index. Set is_write_index on one of its indices.',
  },
  {
    type: 'index_closed_exception',
    means: 'config',
    code: 'SINK_TARGET_BLOCKED',
    message: 'The index is closed. Open it, or check connector.sink.index.',
  },
  {
    type: 'routing_missing_exception',
    means: 'config',
    code: 'SINK_MISCONFIGURED',
    message: 'The index requires a routing. Set connector.sink.routing.',
  },
  {
    reason: /Limit of total fields|maximum (?:normal )?shards open/,
    means: 'retriable',
    code: 'SINK_LIMIT',
    message: 'Elasticsearch has reached a limit of fields or shards, which an operator can raise',
  },
  { type: /^(?:fail_processor|ingest_processor|ingest_pipeline|script)_exception$/, means: 'data', code: 'SINK_REJECTED_RECORD' },
  { status: [500, 599], means: 'retriable', code: 'SINK_UNAVAILABLE', message: 'Elasticsearch could not write the record' },
  { status: [400, 499], means: 'data', code: 'SINK_REJECTED_RECORD' },
];

/** What an answer to a whole request means, when it is not a bulk answer. */
export const requestRules: readonly Rule[] = [
  { status: [200, 299], means: 'delivered' },
  { status: 413, means: 'split', code: 'SINK_RECORD_TOO_LARGE', message: 'Record is larger than Elasticsearch takes' },
  { status: 429, ...throttled },
  { status: [401, 401], ...refusedAccess },
  { status: 403, ...refusedAccess },
  { status: [408, 408], means: 'retriable', code: 'SINK_UNAVAILABLE', message: 'Elasticsearch did not answer in time' },
  { status: [500, 599], means: 'retriable', code: 'SINK_UNAVAILABLE', message: 'Elasticsearch is not available' },
  // The server itself names what it dislikes; then it is one of the records, and the others can go on.
  { status: 400, type: /./, means: 'split', code: 'SINK_REJECTED_RECORD', message: 'Elasticsearch refused the request of the record' },
  {
    means: 'config',
    code: 'SINK_MISCONFIGURED',
    message: 'There is no Elasticsearch at this address, or something in front of it refuses requests. Check connector.sink.node.',
  },
];

/** The first rule that fits. The last rules take everything, so that nothing is without an outcome. */
export function classify(rules: readonly Rule[], operation: OperationName | undefined, status: number, failure: Failure = {}): Rule {
  for (const rule of rules) if (fits(rule, operation, status, failure)) return rule;
  return { means: 'retriable', code: 'SINK_UNAVAILABLE', message: 'Elasticsearch gave an answer nobody knows' };
}

function fits(rule: Rule, operation: OperationName | undefined, status: number, { type, reason }: Failure): boolean {
  if (rule.operation !== undefined && rule.operation !== operation) return false;
  if (typeof rule.status === 'number' && rule.status !== status) return false;
  if (typeof rule.status === 'object' && (status < rule.status[0] || status > rule.status[1])) return false;
  if (rule.type !== undefined && !matches(rule.type, type)) return false;
  return rule.reason === undefined || (reason !== undefined && rule.reason.test(reason));
}

function matches(expected: string | RegExp, type: string | undefined): boolean {
  if (type === undefined) return false;
  return typeof expected === 'string' ? expected === type : expected.test(type);
}

/** The tables in words, for the reference page: what is written for each item, and what is written for a whole request. */
export const errorRules: readonly ErrorRule[] = [
  { when: 'no connection, or no answer in time', class: 'retriable', meaning: 'Elasticsearch cannot be reached' },
  ...itemRules.flatMap((rule) => inWords(rule, 'an item')),
  ...requestRules.flatMap((rule) => inWords(rule, 'a request')),
];

function inWords(rule: Rule, of: string): ErrorRule[] {
  const { operation, status, type, reason, means, message } = rule;
  if (means === 'delivered') return [];
  const range =
    typeof status === 'object' && status[0] !== status[1] ? status.join('–') : String(typeof status === 'object' ? status[0] : status);
  const when = [
    status === undefined ? 'any other status' : range,
    `for ${operation === undefined ? of : `${of} (${operation})`}`,
    type === undefined ? '' : typeof type === 'string' ? `with the type ${type}` : wordsOf(type),
    reason === undefined ? '' : wordsOf(reason),
  ];
  const classes = { conflict: 'ignored', split: 'data', retriable: 'retriable', data: 'data', config: 'config' } as const;
  const meanings = {
    conflict: 'the stored document is newer; otherwise it is written again',
    split: `${message ?? ''}: sent again in halves until it stands alone`,
  };
  const meaning = means === 'conflict' || means === 'split' ? meanings[means] : (message ?? 'Elasticsearch refused the record');
  return [{ when: when.filter((part) => part !== '').join(' '), class: classes[means], meaning }];
}

/** A pattern as people read it: its words, without the signs between them. */
function wordsOf({ source }: RegExp): string {
  const words = source
    .replaceAll('\\[.*\\]', '…')
    .replaceAll('(?:', '')
    .replaceAll(/[\^$()]/g, '')
    .split('|');
  return source === '.' ? 'with any type' : `that says ${words.map((word) => `“${word}”`).join(' or ')}`;
}

/** The error a rule stands for. `where` says which record it was. */
export function errorOf(rule: Rule, status: number, { type }: Failure, where: string, retryAfterMs?: number): ConnectorError {
  const code = rule.code ?? 'SINK_REJECTED_RECORD';
  const text = rule.message ?? 'Elasticsearch refused the record';
  if (rule.means === 'config') return new ConfigError(code, `${text} (${status}${where})`, { unauthorized: rule.unauthorized ?? false });
  const message = `${text}: ${wordOf(type) ?? status}${where}`;
  return rule.means === 'retriable' ? new RetriableError(code, message, { retryAfterMs }) : new DataError(code, message);
}

/** An error's type when it looks like one: something in front of the server might answer anything. */
function wordOf(type: string | undefined): string | undefined {
  return type !== undefined && /^[a-z_]{1,80}$/.test(type) ? type : undefined;
}
