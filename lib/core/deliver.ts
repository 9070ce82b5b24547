import { type DataErrorPolicy, type Delivery, isBlocking, refuseDataErrors } from './delivery.ts';
import { ConnectorError, DataError, RetriableError } from './errors.ts';
import { checkedOutcomes, failAll, heldBack, sinkFailure, worse } from './outcome.ts';
import { type Failure, type Preparation, type Prepared, prepare } from './prepare.ts';
import { type KafkaRecord, originName, partitionName, type SourceRecord } from './record.ts';
import type { AcknowledgeMode } from './settle.ts';
import type { Outcome, Sink, Unsent, WriteOptions } from './sink.ts';
import type { Tolerance } from './tolerance.ts';
import type { TransformContext } from './transform.ts';

export interface DeliverOptions extends WriteOptions {
  readonly preparation: Preparation;
  readonly sink: Sink;
  readonly tolerance: Pick<Tolerance, 'isExceeded'>;
  readonly mode: AcknowledgeMode;
  readonly dataErrors: DataErrorPolicy;
  readonly context: TransformContext;
  /** How many asynchronous transforms run at the same time. */
  readonly concurrency: number;
}

/**
 * Decodes and transforms each record on its own, writes what is left in order, and joins the outcomes to their sources: one delivery per
 * source record, in order. What could not be acknowledged anyway, as something before it in its partition blocks, is not written.
 */
export async function deliver(batch: readonly SourceRecord[], options: DeliverOptions): Promise<readonly Delivery[]> {
  const preparing = prepareAll(batch, options);
  const prepared = preparing instanceof Promise ? await preparing : preparing;
  const decided = holdBack(batch, refuseTooMany(decideBeforeWriting(batch, prepared), options), options);
  const { records, owners } = outputs(prepared, decided);
  const outcomes = records.length === 0 ? [] : await write(records, { ...options, unsent: () => unsentOf(decided) });
  return refuseTooMany(join(batch, decided, records, owners, outcomes), options);
}

function prepareAll(batch: readonly SourceRecord[], options: DeliverOptions): Prepared[] | Promise<Prepared[]> {
  const { preparation, context } = options;
  const prepared: Prepared[] = [];
  for (const source of batch) {
    const each = prepare(source, preparation, context);
    if (each instanceof Promise) return prepareTheRest(batch, prepared, each, options);
    prepared.push(each);
  }
  return prepared;
}

/** Goes on where the first promise came up, with a bounded number of records under way. Begins nothing, and waits for nothing, once the time is over. */
async function prepareTheRest(
  batch: readonly SourceRecord[],
  prepared: Prepared[],
  first: Promise<Prepared>,
  options: DeliverOptions,
): Promise<Prepared[]> {
  let next = prepared.length;
  const take = async (under?: Promise<Prepared>): Promise<void> => {
    for (let position = next++, pending = under; position < batch.length; position = next++, pending = undefined) {
      if (options.signal.aborted) return;
      const source = batch[position];
      if (source !== undefined) prepared[position] = await (pending ?? prepare(source, options.preparation, options.context));
    }
  };
  const all = Promise.all([take(first), ...Array.from({ length: options.concurrency - 1 }, () => take())]);
  await Promise.race([all, aborted(options.signal)]);
  return batch.map((source, position) => {
    const each = prepared[position];
    return each === undefined ? outOfTime(source) : each;
  });
}

function outOfTime({ origin }: SourceRecord): Failure {
  const message = `The time was over before the record was transformed (${originName(origin)}). Lower connector.trigger.batchSize, or raise connector.transformConcurrency or the function's timeout.`;
  return { error: new RetriableError('TRANSFORM_TIMEOUT', message), stage: 'transform' };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A delivery where the outcome is known already; undefined where the record waits to be written. */
type Decided = (Delivery | undefined)[];

function decideBeforeWriting(batch: readonly SourceRecord[], prepared: readonly Prepared[]): Decided {
  const decided: Decided = Array(batch.length);
  for (let position = 0; position < batch.length; position++) {
    const source = batch[position];
    const each = prepared[position] ?? null;
    if (source === undefined) continue;
    if (each === null) decided[position] = { source, outcome: 'dropped' };
    else if ('error' in each) decided[position] = { source, outcome: each.error, stage: each.stage };
  }
  return decided;
}

/** Too many data errors are taken for a config error, before anything is written and again after. */
function refuseTooMany<D extends Delivery | undefined>(deliveries: D[], { tolerance }: DeliverOptions): (D | Delivery)[] {
  let dataErrors = 0;
  for (const delivery of deliveries) if (delivery?.outcome instanceof DataError) dataErrors++;
  return tolerance.isExceeded(deliveries.length, dataErrors) ? refuseDataErrors(deliveries) : deliveries;
}

function holdBack(batch: readonly SourceRecord[], decided: Decided, { mode, dataErrors }: DeliverOptions): Decided {
  const blocks = (delivery: Delivery | undefined) => delivery !== undefined && isBlocking(delivery.outcome, dataErrors);
  if (!decided.some(blocks)) return decided;
  const blocked = new Set<string>();
  return batch.map((source, position) => {
    const delivery = decided[position];
    if (blocks(delivery)) blocked.add(partitionName(source.origin));
    const isHeldBack = mode === 'batch' || blocked.has(partitionName(source.origin));
    return delivery ?? (isHeldBack ? { source, outcome: heldBack(), stage: 'sink' } : undefined);
  });
}

/** The records to write, and for each the position of its source. */
function outputs(prepared: readonly Prepared[], decided: Decided): { readonly records: KafkaRecord[]; readonly owners: number[] } {
  const records: KafkaRecord[] = [];
  const owners: number[] = [];
  for (let position = 0; position < prepared.length; position++) {
    const each = prepared[position] ?? null;
    if (decided[position] !== undefined || each === null || 'error' in each) continue;
    if ('origin' in each) records.push(each);
    else for (const record of each) records.push(record);
    while (owners.length < records.length) owners.push(position);
  }
  return { records, owners };
}

/** What was dropped or failed as it is, among what is decided before anything is written. */
function unsentOf(decided: Decided): readonly Unsent[] {
  const unsent: Unsent[] = [];
  for (const delivery of decided) {
    if (delivery === undefined) continue;
    const { outcome, source } = delivery;
    const { origin, timestamp } = source;
    if (outcome === 'dropped') unsent.push({ origin, timestamp, why: 'dropped' });
    else if (outcome instanceof DataError) unsent.push({ origin, timestamp, why: 'rejected' });
  }
  return unsent;
}

async function write(records: readonly KafkaRecord[], { sink, signal, deadline, unsent }: DeliverOptions): Promise<readonly Outcome[]> {
  const options: WriteOptions = { signal, ...(deadline === undefined ? {} : { deadline }), ...(unsent === undefined ? {} : { unsent }) };
  try {
    return checkedOutcomes(await sink.write(records, options), records.length);
  } catch (error) {
    return failAll(records.length, sinkFailure(error));
  }
}

/** A source's outcome is the worst of its outputs. */
function join(
  batch: readonly SourceRecord[],
  decided: Decided,
  records: readonly KafkaRecord[],
  owners: readonly number[],
  outcomes: readonly Outcome[],
): Delivery[] {
  for (let index = 0; index < owners.length; index++) {
    const position = owners[index] ?? 0;
    const source = batch[position];
    const outcome = outcomes[index];
    if (source === undefined || outcome === undefined) continue;
    decided[position] = merge(source, decided[position], outcome, records[index]?.part ?? 0);
  }
  const deliveries: Delivery[] = [];
  for (let position = 0; position < batch.length; position++) {
    const source = batch[position];
    if (source !== undefined) deliveries.push(decided[position] ?? { source, outcome: heldBack(), stage: 'sink' });
  }
  return deliveries;
}

function merge(source: SourceRecord, before: Delivery | undefined, outcome: Outcome, part: number): Delivery {
  if (before === undefined && (outcome === 'delivered' || outcome === 'ignored')) return { source, outcome };
  const failed = [...(before?.failedParts ?? []), ...(outcome instanceof DataError ? [part] : [])];
  const worst = before === undefined ? outcome : worse(before.outcome, outcome);
  return {
    source,
    outcome: worst,
    ...(worst instanceof ConnectorError ? { stage: 'sink' as const } : {}),
    ...(failed.length === 0 ? {} : { failedParts: failed }),
  };
}
