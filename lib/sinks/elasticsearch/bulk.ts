import { type ConnectorError, RetriableError } from '../../core/errors.ts';
import { isObject, type ReadField } from '../../core/field.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { Route } from '../../core/route.ts';
import type { Outcome } from '../../core/sink.ts';
import type { Body } from './body.ts';
import { classify, errorOf, itemRules, type OperationName, requestRules } from './classification.ts';
import { failureOf, type SearchClient } from './client.ts';
import { type StampText, writeDocument } from './document.ts';
import type { TextOf } from './identity.ts';
import { guardVersion, packVersion } from './version.ts';

export interface LineOptions {
  readonly write: 'index' | 'create' | 'update';
  readonly deletes: 'soft' | 'hard' | 'ignore';
  readonly guard: 'version' | 'none' | ReadField;
  readonly upsert: boolean;
  readonly route: Route;
  readonly id: TextOf;
  readonly routing: TextOf | undefined;
  /** Nothing is said about the origin of documents without it. */
  readonly stamp: StampText | undefined;
}

/** One operation of a bulk request, and where its lines are in the body. */
export interface Operation {
  readonly record: KafkaRecord;
  readonly name: OperationName;
  readonly index: string;
  readonly id: string;
  readonly routing: string | undefined;
  /** What `guard.field` held. */
  readonly guard: string | undefined;
  readonly start: number;
  /** Where the line of the document starts. */
  readonly document: number;
  readonly end: number;
}

/** Appends the lines of a record; 'ignored' for a tombstone that does nothing here. Throws a ConnectorError, and leaves the body as it was. */
export type AppendLines = (record: KafkaRecord, body: Body) => Operation | 'ignored';

export function lineWriter({ write, deletes, guard, upsert, route, id: readId, routing: readRouting, stamp }: LineOptions): AppendLines {
  const readGuard = typeof guard === 'function' ? guard : undefined;
  // An equal version is the same record once more; an equal field can be another record, which `settleConflicts` decides.
  const versionType = readGuard !== undefined ? 'external' : guard === 'version' ? 'external_gte' : undefined;
  const start = headStarts(versionType);
  const documentEnd = write === 'update' ? (upsert ? ',"doc_as_upsert":true}\n' : '}\n') : '\n';
  return (record, body) => {
    const isTombstone = record.value === null;
    if (isTombstone && deletes === 'ignore') return 'ignored';
    const isMarker = isTombstone && deletes === 'soft';
    const name = isTombstone ? (isMarker ? 'index' : 'delete') : write;
    const index = route(record);
    const id = readId(record);
    const routing = readRouting?.(record);
    const field = readGuard === undefined ? undefined : guardVersion(readGuard(record.value), record);
    const version = versionType === undefined ? undefined : (field ?? packVersion(record));
    const from = body.length;
    try {
      let head = `${start(name, index)}${JSON.stringify(id)}`;
      if (routing !== undefined) head += `,"routing":${JSON.stringify(routing)}`;
      if (version !== undefined) head += `,"version":${version}`;
      // A pipeline expects the fields of a document, and a marker has none.
      if (isMarker) head += ',"pipeline":"_none"';
      if (name === 'update') head += ',"retry_on_conflict":3';
      body.text(name === 'update' ? `${head}}}\n{"doc":` : `${head}}}\n`);
      const document = body.length;
      if (isMarker) body.text(`{${stamp?.(record, { guard: field, deleted: true }) ?? ''}}\n`);
      else if (!isTombstone) {
        // A partial update keeps the fields it does not name, so it has to say that a document is not deleted any more.
        const deleted = write === 'update' && deletes === 'soft' ? { deleted: false } : {};
        writeDocument(body, record, stamp?.(record, { guard: field, ...deleted }) ?? '');
        body.text(documentEnd);
      }
      return { record, name, index, id, routing, guard: field, start: from, document, end: body.length };
    } catch (error) {
      body.truncate(from);
      throw error;
    }
  };
}

/** The part of an action line that stays the same from record to record. */
function headStarts(versionType: string | undefined): (name: OperationName, index: string) => string {
  let lastName: OperationName | undefined;
  let lastIndex = '';
  let text = '';
  return (name, index) => {
    if (name === lastName && index === lastIndex) return text;
    lastName = name;
    lastIndex = index;
    const type = versionType === undefined ? '' : `"version_type":"${versionType}",`;
    text = `{"${name}":{"_index":${JSON.stringify(index)},${type}"_id":`;
    return text;
  };
}

/** A version conflict. `index` is the index behind an alias or data stream. */
export interface Conflict {
  readonly conflict: true;
  readonly index: string;
}

export interface BulkOptions {
  readonly client: SearchClient;
  readonly query: Readonly<Record<string, string | boolean>>;
  readonly signal: AbortSignal;
}

/** Sends operations that lie one behind the other in the body; in halves where they are too much at once. Answers one result for each. */
export async function sendBulk(
  operations: readonly Operation[],
  body: Body,
  options: BulkOptions,
): Promise<readonly (Outcome | Conflict)[]> {
  const first = operations[0];
  const last = operations.at(-1);
  if (first === undefined || last === undefined) return [];
  let answer: Awaited<ReturnType<SearchClient['send']>>;
  try {
    const { client, query, signal } = options;
    answer = await client.send({ method: 'POST', path: '/_bulk', query, body: body.slice(first.start, last.end), signal });
  } catch (error) {
    return operations.map(() => error as ConnectorError);
  }
  const { status, retryAfterMs } = answer;
  const failure = failureOf(answer.body);
  const rule = classify(requestRules, undefined, status, failure);
  if (rule.means === 'split') {
    if (operations.length === 1) return [errorOf(rule, status, failure, inRecord(first))];
    const middle = operations.length >> 1;
    return [...(await sendBulk(operations.slice(0, middle), body, options)), ...(await sendBulk(operations.slice(middle), body, options))];
  }
  if (rule.means !== 'delivered') {
    const error = errorOf(rule, status, failure, '', retryAfterMs);
    return operations.map(() => error);
  }
  const items = isObject(answer.body) ? answer.body['items'] : undefined;
  if (!Array.isArray(items) || items.length !== operations.length) {
    const found = Array.isArray(items) ? `${items.length} of ${operations.length} records` : 'none';
    const error = new RetriableError('SINK_ANSWER_INCOMPLETE', `Expected an answer for each record, Elasticsearch answered for ${found}`);
    return operations.map(() => error);
  }
  return operations.map((operation, index) => toResult(operation, items[index], retryAfterMs));
}

// A pipeline can turn one operation into another, so the item is taken under whatever name it has.
function toResult(operation: Operation, item: unknown, retryAfterMs: number | undefined): Outcome | Conflict {
  const found = isObject(item) ? (item[operation.name] ?? Object.values(item)[0]) : undefined;
  const status = isObject(found) && typeof found['status'] === 'number' ? found['status'] : 0;
  if (status >= 200 && status < 300) return 'delivered';
  const failure = failureOf(found);
  const rule = classify(itemRules, operation.name, status, failure);
  if (rule.means === 'delivered') return 'delivered';
  if (rule.means === 'conflict') return { conflict: true, index: failure.index ?? operation.index };
  return errorOf(rule, status, failure, inRecord(operation), retryAfterMs);
}

export function inRecord({ record }: Operation): string {
  return ` (${originName(record.origin)})`;
}
