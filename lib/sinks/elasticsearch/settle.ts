import { ConfigError, type ConnectorError, DataError, RetriableError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { originName } from '../../core/record.ts';
import type { Outcome } from '../../core/sink.ts';
import { type Body, createBody } from './body.ts';
import { type BulkOptions, type Conflict, type Operation, sendBulk } from './bulk.ts';
import { classify, errorOf, requestRules } from './classification.ts';
import { failureOf } from './client.ts';
import { readStamp, type Stamp } from './document.ts';

/** An operation that met a document with another version, and the index that this document is in. */
export interface Conflicting {
  readonly operation: Operation;
  readonly index: string;
}

export interface SettleOptions extends BulkOptions {
  /** The field that holds the stamp; without it a conflict proves a replay. */
  readonly stampField: string | undefined;
  /** The body that the operations were sent with. */
  readonly body: Body;
}

/** What is stored under an id, as far as a conflict needs it. */
export interface StoredDocument {
  /** Null for a document that somebody else made. */
  readonly stamp: Stamp | null;
  readonly sequence: number;
  readonly term: number;
}

type Verdict = Outcome | 'rewrite';

/** Replaces each conflict among the results by what comes of it, which the stored document says. What turns out to be newer is written on condition that nothing changed since it was read. */
export async function settleConflicts(
  operations: readonly Operation[],
  results: readonly (Outcome | Conflict)[],
  options: SettleOptions,
): Promise<readonly Outcome[]> {
  const conflicts: Conflicting[] = [];
  for (const [at, operation] of operations.entries()) {
    const result = results[at];
    if (isConflict(result)) conflicts.push({ operation, index: result.index });
  }
  const settled = (await settleAll(conflicts, options)).values();
  return results.map((result) => (isConflict(result) ? (settled.next().value as Outcome) : result));
}

function isConflict(result: Outcome | Conflict | undefined): result is Conflict {
  return typeof result === 'object' && 'conflict' in result;
}

async function settleAll(conflicts: readonly Conflicting[], options: SettleOptions): Promise<readonly Outcome[]> {
  const { stampField } = options;
  if (conflicts.length === 0) return [];
  if (stampField === undefined) return conflicts.map(() => 'delivered');
  const stored = await readStored(conflicts, stampField, options);
  if (!Array.isArray(stored)) return conflicts.map(() => stored as ConnectorError);
  const verdicts = conflicts.map(({ operation }, index) => decide(operation, stored[index] as Stored));
  return rewriteNewer(conflicts, stored, verdicts, options);
}

/** What a conflict comes to. */
export function decide(operation: Operation, stored: Stored): Verdict {
  if (stored instanceof Error) return stored;
  if (operation.name === 'create') return decideCreate(operation, stored);
  if (stored === undefined) {
    if (operation.guard === undefined) return 'ignored'; // a newer hard delete, whose version is still remembered
    return new RetriableError('SINK_CONFLICT', `The document is being deleted (${originName(operation.record.origin)})`);
  }
  if (stored.stamp === null) return guardAhead(operation, 'The document in the index was not written by Sluice, and its version is higher');
  return operation.guard === undefined ? decideByVersion(operation, stored.stamp) : decideByField(operation, operation.guard, stored.stamp);
}

function decideCreate(operation: Operation, stored: StoredDocument | undefined): Verdict {
  const where = originName(operation.record.origin);
  if (stored === undefined) return new RetriableError('SINK_CONFLICT', `The document is being deleted (${where})`);
  const { stamp } = stored;
  if (stamp === null)
    return new DataError(
      'SINK_DOCUMENT_EXISTS',
      `Somebody else's document has the id of the record (${where}). Choose another connector.sink.id.`,
    );
  if (samePartition(operation, stamp)) {
    const order = comparePositions(operation, stamp);
    if (order <= 0 && isFromTheFuture(operation, stamp)) return recreated(operation);
    if (order === 0) return 'delivered';
    if (order < 0) return 'ignored';
  }
  return new DataError(
    'SINK_DOCUMENT_EXISTS',
    `Another record has already made the document (${where}). Set connector.sink.write to index to replace it.`,
  );
}

function decideByVersion(operation: Operation, stamp: Stamp): Verdict {
  const { version } = operation.record;
  if (version.epoch !== stamp.epoch) return version.epoch > stamp.epoch ? 'rewrite' : 'ignored';
  const elsewhere = fromElsewhere(operation, stamp);
  if (elsewhere !== undefined) return elsewhere;
  const order = comparePositions(operation, stamp);
  if (order > 0) return 'rewrite'; // somebody raised the version with an update of their own
  if (order === 0) return 'delivered';
  return isFromTheFuture(operation, stamp) ? recreated(operation) : 'ignored';
}

function decideByField(operation: Operation, guard: string, stamp: Stamp): Verdict {
  const fields = BigInt(guard) - BigInt(stamp.guard ?? '-1');
  if (fields !== 0n) return fields > 0n ? 'rewrite' : 'ignored';
  const order = comparePositions(operation, stamp);
  if (order > 0) return 'rewrite';
  return order === 0 && samePartition(operation, stamp) ? 'delivered' : 'ignored';
}

/** The error for a document of the same epoch that another topic or partition wrote, whose offsets cannot be compared. */
export function fromElsewhere(operation: Operation, stamp: Stamp): ConfigError | undefined {
  if (operation.record.version.epoch !== stamp.epoch || samePartition(operation, stamp)) return undefined;
  return guardAhead(operation, 'The document in the index comes from another topic or partition of the same epoch');
}

function samePartition({ record: { version } }: Operation, stamp: Stamp): boolean {
  return version.topic === stamp.topic && version.partition === stamp.partition && version.epoch === stamp.epoch;
}

function comparePositions({ record: { version, part } }: Operation, stamp: Stamp): number {
  return version.epoch - stamp.epoch || version.offset - stamp.offset || part - stamp.part;
}

/** What was written before this record existed cannot have come after it. A replayed record says nothing by its time. */
function isFromTheFuture({ record: { origin, version, timestamp } }: Operation, stamp: Stamp): boolean {
  const isReplay = origin.topic !== version.topic || origin.partition !== version.partition || origin.offset !== version.offset;
  return !isReplay && timestamp > stamp.writtenAt;
}

function recreated(operation: Operation): ConfigError {
  return guardAhead(operation, 'The index holds a later offset that was written before this record existed: the topic was created again');
}

function guardAhead({ record }: Operation, found: string): ConfigError {
  const advice = 'Raise connector.epoch once the old partitions have drained.';
  return new ConfigError('GUARD_AHEAD', `${found} (${originName(record.origin)}). ${advice}`);
}

/** A stored document; an error when it cannot be read, undefined when there is none. */
export type Stored = StoredDocument | ConnectorError | undefined;

/** Reads the stamps that are stored, in order; one error when nothing can be read at all. */
export async function readStored(
  conflicts: readonly Conflicting[],
  stampField: string,
  { client, signal }: Pick<BulkOptions, 'client' | 'signal'>,
): Promise<readonly Stored[] | ConnectorError> {
  const docs = conflicts.map(({ operation: { id, routing }, index }) => ({
    _index: index,
    _id: id,
    _source: [stampField],
    ...(routing === undefined ? {} : { routing }),
  }));
  try {
    const body = Buffer.from(JSON.stringify({ docs }));
    const { status, body: answer, retryAfterMs } = await client.send({ method: 'POST', path: '/_mget', body, signal });
    const rule = classify(requestRules, undefined, status, failureOf(answer));
    if (rule.means === 'config') return errorOf(rule, status, failureOf(answer), '');
    const found = isObject(answer) ? answer['docs'] : undefined;
    if (rule.means === 'delivered' && Array.isArray(found) && found.length === docs.length)
      return found.map((doc) => toStored(doc, stampField));
    return new RetriableError('SINK_UNAVAILABLE', `Elasticsearch could not read what is stored: ${status}`, { retryAfterMs });
  } catch (error) {
    return error as ConnectorError;
  }
}

function toStored(doc: unknown, stampField: string): Stored {
  if (!isObject(doc)) return unreadable();
  const { type } = failureOf(doc);
  if (type === 'index_not_found_exception') return undefined;
  if (type === 'security_exception')
    return new ConfigError(
      'SINK_UNAUTHORIZED',
      'Elasticsearch does not let this user read the index, which says whether a document is newer. Give it the privilege read.',
      { unauthorized: true },
    );
  if ('error' in doc) return unreadable();
  if (doc['found'] !== true) return undefined;
  const { _source: source, _seq_no: sequence, _primary_term: term } = doc;
  if (!isObject(source))
    return new ConfigError(
      'SINK_MISCONFIGURED',
      'The index does not keep _source, which says whether a document is newer. Set connector.sink.guard to none.',
    );
  return { stamp: readStamp(source[stampField]) ?? null, sequence: Number(sequence), term: Number(term) };
}

async function rewriteNewer(
  conflicts: readonly Conflicting[],
  stored: readonly Stored[],
  verdicts: readonly Verdict[],
  options: SettleOptions,
): Promise<readonly Outcome[]> {
  const body = createBody(1_024);
  const operations: Operation[] = [];
  for (const [at, { operation, index }] of conflicts.entries()) {
    const document = stored[at];
    if (verdicts[at] !== 'rewrite' || document === undefined || document instanceof Error) continue;
    const start = body.length;
    const { id, routing, name } = operation;
    const condition = { if_seq_no: document.sequence, if_primary_term: document.term };
    const isMarker = operation.record.value === null && name === 'index';
    body.text(
      `${JSON.stringify({ [name]: { _index: index, _id: id, ...(routing === undefined ? {} : { routing }), ...condition, ...(isMarker ? { pipeline: '_none' } : {}) } })}\n`,
    );
    if (operation.end > operation.document) {
      body.bytes(options.body.slice(operation.document, operation.end));
    }
    operations.push({ ...operation, start, end: body.length });
  }
  const results = (await sendBulk(operations, body, options))[Symbol.iterator]();
  return verdicts.map((verdict, at): Outcome => {
    if (verdict !== 'rewrite') return verdict;
    const result = results.next().value;
    if (result !== undefined && (typeof result === 'string' || result instanceof Error)) return result;
    const where = conflicts[at] === undefined ? '' : ` (${originName(conflicts[at].operation.record.origin)})`;
    return new RetriableError('SINK_CONFLICT', `Another writer changed the document in the meantime${where}`);
  });
}

function unreadable(): RetriableError {
  return new RetriableError('SINK_UNAVAILABLE', 'Elasticsearch could not read what is stored');
}
