import type { HttpResponse } from '../../clients/http.ts';
import { ConnectorError, RetriableError } from '../../core/errors.ts';
import { heldBack, sinkFailure } from '../../core/outcome.ts';
import type { KafkaRecord } from '../../core/record.ts';
import type { Outcome } from '../../core/sink.ts';
import type { ItemAnswer, ReadAnswers } from './answers.ts';
import { type Content, jsonValue } from './body.ts';
import { type Circumstance, errorOf, refusedItem } from './classification.ts';
import type { Join } from './envelope.ts';
import type { Headers } from './headers.ts';
import { batchId } from './idempotency.ts';
import { runInLanes } from './lanes.ts';
import { aborted, answerError, excerpts, type Plan, stopsAll, whereOf } from './plan.ts';

export interface BatchOptions {
  readonly join: Join;
  /** Without it a batch is taken or refused as a whole. */
  readonly readAnswers: ReadAnswers | undefined;
}

/** The records of one request. */
interface Batch {
  readonly url: URL;
  readonly headers: Headers | undefined;
  readonly records: KafkaRecord[];
  readonly contents: Content[];
  /** Where each of them is among all records. */
  readonly positions: number[];
}

/** Sends the records of one URL and the same headers in one request. A batch that is refused as a whole is sent again in halves, until what is refused is one record. */
export async function writeTogether(
  plan: Plan,
  records: readonly KafkaRecord[],
  options: BatchOptions,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = Array(records.length);
  const batches = gather(plan, records, outcomes);
  let stop: ConnectorError | undefined;
  const run = (task: number): Promise<void> | undefined => {
    const batch = batches[task] as Batch;
    const settle = (answers: readonly Outcome[]): void => {
      for (const [index, position] of batch.positions.entries()) outcomes[position] = answers[index] ?? heldBack();
      stop ??= answers.find(stopsAll);
    };
    if (stop === undefined) return send(plan, batch, options, signal).then(settle);
    settle(batch.records.map(() => stop as ConnectorError));
    return undefined;
  };
  await runInLanes(batches.length, { concurrency: plan.concurrency, laneOf: () => undefined, run });
  return outcomes;
}

/** The batches that the records make. The outcome of records that are in none is set at once. */
function gather(plan: Plan, records: readonly KafkaRecord[], outcomes: Outcome[]): readonly Batch[] {
  const { url, headersOf, contentOf = jsonValue, tombstones } = plan;
  const batches = new Map<string, Batch>();
  for (const [position, record] of records.entries()) {
    if (record.value === null && tombstones === 'ignore') {
      outcomes[position] = 'ignored';
      continue;
    }
    try {
      const target = url.urlOf(record);
      const headers = headersOf?.(record);
      const content = contentOf(record);
      const name = target === url.constant && headers === undefined ? '' : `${target.href} ${JSON.stringify(headers)}`;
      let batch = batches.get(name);
      if (batch === undefined) {
        batch = { url: target, headers, records: [], contents: [], positions: [] };
        batches.set(name, batch);
      }
      batch.records.push(record);
      batch.contents.push(content);
      batch.positions.push(position);
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
      outcomes[position] = error;
    }
  }
  return [...batches.values()];
}

async function send(plan: Plan, batch: Batch, options: BatchOptions, signal: AbortSignal): Promise<readonly Outcome[]> {
  const all = (outcome: Outcome): readonly Outcome[] => batch.records.map(() => outcome);
  if (signal.aborted) return all(aborted());
  let response: HttpResponse;
  try {
    const id = batchId(batch.records, plan.idOf);
    const headers: Record<string, string> = { ...plan.headers, ...batch.headers };
    if (plan.idempotencyHeader !== undefined) headers[plan.idempotencyHeader] = id;
    response = await plan.send({ method: plan.method, url: batch.url, headers, body: options.join(batch.contents), id }, signal);
  } catch (error) {
    return all(sinkFailure(error));
  }
  const rule = plan.classify(response.status, plan.circumstances);
  if (options.readAnswers !== undefined && (rule.means === 'delivered' || rule.means === 'refused')) {
    const answers = response.isCut ? undefined : options.readAnswers(response.body, batch.records.length);
    // A refusal of the whole can come as an answer of another shape, and one that lists failures does not say that the others were taken.
    if (answers !== undefined && (rule.means === 'delivered' || !answers.some(({ is }) => is === 'unlisted')))
      return toOutcomes(plan, answers, batch.records, response);
    if (rule.means === 'delivered') return all(incomplete(batch.records));
  }
  if (rule.means === 'delivered') return all('delivered');
  if (rule.means !== 'refused' || batch.records.length === 1) return all(answerError(plan, rule, response, batch.records));
  const middle = batch.records.length >> 1;
  const first = await send(plan, slice(batch, 0, middle), options, signal);
  const stop = first.find((outcome) => outcome instanceof RetriableError || stopsAll(outcome));
  const rest = slice(batch, middle);
  if (stop === undefined) return [...first, ...(await send(plan, rest, options, signal))];
  return [...first, ...rest.records.map(() => (stop instanceof RetriableError ? heldBack() : stop))];
}

function slice({ url, headers, records, contents, positions }: Batch, from: number, to?: number): Batch {
  return { url, headers, records: records.slice(from, to), contents: contents.slice(from, to), positions: positions.slice(from, to) };
}

function toOutcomes(
  plan: Plan,
  answers: readonly ItemAnswer[],
  records: readonly KafkaRecord[],
  { retryAfterMs }: HttpResponse,
): readonly Outcome[] {
  const said = excerpts(plan, records); // what is said of one item may repeat another
  return answers.map((answer, index): Outcome => {
    const record = records[index] as KafkaRecord;
    if (answer.is === 'ok' || answer.is === 'unlisted') return 'delivered';
    if (answer.is === 'silent') return incomplete([record]);
    const status = answer.is === 'status' ? answer.status : undefined;
    const rule = status === undefined ? refusedItem : plan.classify(status, ofItem(plan.circumstances));
    if (rule.means === 'delivered') return 'delivered';
    return errorOf(rule, { status, said: said(answer.error), where: whereOf([record]), retryAfterMs });
  });
}

/** That an item is not found says nothing of the path. */
function ofItem(circumstances: ReadonlySet<Circumstance>): ReadonlySet<Circumstance> {
  return new Set([...circumstances].filter((each) => each !== 'fixed-path'));
}

function incomplete(records: readonly KafkaRecord[]): RetriableError {
  const message = `Expected an answer for each item as connector.sink.batch.answer says, found none${whereOf(records)}`;
  return new RetriableError('SINK_ANSWER_INCOMPLETE', message);
}
