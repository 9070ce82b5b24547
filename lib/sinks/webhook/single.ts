import { ConnectorError, RetriableError } from '../../core/errors.ts';
import { toJson } from '../../core/json.ts';
import { heldBack, sinkFailure } from '../../core/outcome.ts';
import { type KafkaRecord, partitionName } from '../../core/record.ts';
import type { Outcome } from '../../core/sink.ts';
import type { Circumstance } from './classification.ts';
import { runInLanes } from './lanes.ts';
import { aborted, answerError, type Plan, stopsAll } from './plan.ts';
import type { Outgoing } from './request.ts';

export interface SingleOptions {
  readonly order: 'key' | 'partition' | 'none';
  /** Whether records with one URL must never overtake each other, whatever the order says. */
  readonly replacesThings: boolean;
}

/**
 * Sends each record as a request of its own, several at a time. Once a record failed in a way that will pass, nothing later of its partition
 * is begun; what is wrong for all, or asks for a pause, ends the write.
 */
export async function writeSingly(
  plan: Plan,
  records: readonly KafkaRecord[],
  { order, replacesThings }: SingleOptions,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = Array(records.length);
  const failed = new Set<string>();
  const urls: (URL | undefined)[] = Array(records.length);
  let stop: ConnectorError | undefined;

  const settle = (task: number, record: KafkaRecord, outcome: Outcome): void => {
    outcomes[task] = outcome;
    if (outcome instanceof RetriableError) failed.add(partitionName(record.origin));
    if (stopsAll(outcome)) stop ??= outcome;
  };
  const run = (task: number): Promise<void> | undefined => {
    const record = records[task] as KafkaRecord;
    if (record.value === null && plan.tombstones === 'ignore') outcomes[task] = 'ignored';
    else if (stop !== undefined) outcomes[task] = stop;
    else if (signal.aborted) settle(task, record, aborted());
    else if (failed.size > 0 && failed.has(partitionName(record.origin))) outcomes[task] = heldBack();
    else {
      const outgoing = attempt(() => outgoingOf(plan, record, urls[task] ?? plan.url.urlOf(record)));
      if (!(outgoing instanceof ConnectorError))
        return send(plan, record, outgoing, signal).then((outcome) => settle(task, record, outcome));
      settle(task, record, outgoing);
    }
    return undefined;
  };
  const laneOf = (task: number): string | undefined => {
    const record = records[task] as KafkaRecord;
    if (order === 'partition') return partitionName(record.origin);
    if (replacesThings) {
      const url = attempt(() => plan.url.urlOf(record));
      if (url instanceof ConnectorError) return undefined;
      urls[task] = url;
      return url.href;
    }
    return order === 'key' ? keyText(record.key) : undefined;
  };
  await runInLanes(records.length, { concurrency: plan.concurrency, laneOf, run });
  return outcomes;
}

/** What a record's request consists of. Throws a ConnectorError for a record that makes none. */
function outgoingOf(plan: Plan, record: KafkaRecord, url: URL): Outgoing {
  const isDelete = record.value === null && plan.tombstones === 'delete';
  const id = plan.idOf(record);
  const headers: Record<string, string> = { ...plan.headers };
  if (plan.headersOf !== undefined) Object.assign(headers, plan.headersOf(record));
  if (plan.idempotencyHeader !== undefined) headers[plan.idempotencyHeader] = id;
  if (isDelete) {
    const { 'content-type': _, ...rest } = headers;
    return { method: 'DELETE', url, headers: rest, body: undefined, id };
  }
  return { method: plan.method, url, headers, body: plan.contentOf?.(record), id };
}

async function send(plan: Plan, record: KafkaRecord, outgoing: Outgoing, signal: AbortSignal): Promise<Outcome> {
  try {
    const response = await plan.send(outgoing, signal);
    const rule = plan.classify(response.status, outgoing.method === 'DELETE' ? withTombstone(plan.circumstances) : plan.circumstances);
    return rule.means === 'delivered' ? 'delivered' : answerError(plan, rule, response, [record]);
  } catch (error) {
    return sinkFailure(error);
  }
}

function withTombstone(circumstances: ReadonlySet<Circumstance>): ReadonlySet<Circumstance> {
  return new Set([...circumstances, 'tombstone']);
}

function keyText(key: unknown): string | undefined {
  if (key === null || typeof key === 'string') return key ?? undefined;
  try {
    return toJson(key);
  } catch {
    return undefined;
  }
}

function attempt<Result>(work: () => Result): Result | ConnectorError {
  try {
    return work();
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
}
