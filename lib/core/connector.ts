import { blockingConfigError } from './acknowledge.ts';
import { deadLetter } from './dead-letter.ts';
import { deliver } from './deliver.ts';
import type { DataErrorPolicy, Delivery } from './delivery.ts';
import { ConfigError, ConnectorError, DataError } from './errors.ts';
import type { LetterContext } from './letter.ts';
import { graceMs, type OpenedSink } from './opened-sink.ts';
import { severity, sinkFailure } from './outcome.ts';
import type { Preparation } from './prepare.ts';
import { originName, type SourceRecord } from './record.ts';
import type { Clock } from './retry.ts';
import { type AcknowledgeMode, acknowledged, type Settlement, settle } from './settle.ts';
import type { Sink } from './sink.ts';
import type { Tolerance } from './tolerance.ts';
import type { TransformContext } from './transform.ts';

/** Everything a connector is made of, opened and wrapped by the composition root. */
export interface ConnectorParts {
  readonly name: string;
  readonly preparation: Preparation;
  /** What `write` goes through: retrying, chunked, measured. */
  readonly sink: Sink;
  /** The sink below the wrappers: opened before the first write, and probed after a config error. */
  readonly opened: OpenedSink;
  /** Writes letters; undefined where there is no dead letter topic. */
  readonly letters: LetterBox | undefined;
  readonly dataErrors: DataErrorPolicy;
  readonly tolerance: Tolerance;
  readonly concurrency: number;
  readonly letterContext: Omit<LetterContext, 'now'>;
  readonly transformContext: Omit<TransformContext, 'signal'>;
  readonly clock: Clock;
  readonly report: (measurement: BatchMeasurement) => void;
}

/** Where letters go. */
export interface LetterBox {
  readonly topic: string;
  /** What letters go through. */
  readonly writer: Sink;
  /** The producer below: opened again, and probed, when it was what kept records from being acknowledged. */
  readonly opened?: OpenedSink;
}

/** What became of one batch. */
export interface BatchMeasurement {
  readonly records: number;
  readonly delivered: number;
  readonly ignored: number;
  readonly dropped: number;
  readonly deadLettered: number;
  /** Data errors put aside without a letter, by `onError: skip`. */
  readonly skipped: number;
  /** Records that will come again. */
  readonly redelivered: number;
  readonly ms: number;
  /** The last of the most severe ones. */
  readonly lastError?: { readonly class: ConnectorError['class']; readonly code: string; readonly message: string; readonly at: string };
}

export interface ProcessOptions {
  readonly mode: AcknowledgeMode;
  /** When the platform takes the batch away, in milliseconds since the epoch. */
  readonly deadline: number;
  /** Aborts the writing before the deadline, e.g. because a partition was lost. */
  readonly signal?: AbortSignal;
}

export interface Connector {
  readonly name: string;
  /** Takes a batch as far as it goes and says what may be acknowledged. Never throws for a record, a target or a letter. */
  process(batch: readonly SourceRecord[], options: ProcessOptions): Promise<Settlement>;
  /** Whether the target can be written to, with secrets read afresh after a refusal; throws a ConfigError or RetriableError when not. */
  probe(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Joins the parts into the one way a batch takes, on every platform. */
export function createConnector(parts: ConnectorParts): Connector {
  const { clock, opened, letters } = parts;
  let blockedBy: ConfigError | undefined;
  let hasWrittenLetters = false;

  const probe = async (signal: AbortSignal): Promise<void> => {
    if (blockedBy?.unauthorized) await opened.reopen({ signal });
    await opened.probe?.({ signal });
    if (blockedBy?.code === 'DEAD_LETTER_REFUSED' && letters?.opened !== undefined)
      await probeLetters(letters.topic, letters.opened, signal);
  };

  const deliverAll = async (
    batch: readonly SourceRecord[],
    mode: AcknowledgeMode,
    signal: AbortSignal,
    deadline: number,
  ): Promise<readonly Delivery[]> => {
    try {
      if (blockedBy !== undefined) await probe(signal);
      await opened.ready({ signal });
    } catch (error) {
      const outcome = sinkFailure(error);
      return batch.map((source) => ({ source, outcome, stage: 'sink' }));
    }
    const { preparation, sink, tolerance, dataErrors, concurrency, transformContext } = parts;
    return await deliver(batch, {
      preparation,
      sink,
      tolerance,
      dataErrors,
      concurrency,
      mode,
      signal,
      deadline,
      context: { ...transformContext, signal },
    });
  };

  return {
    name: parts.name,
    probe,
    async process(batch, { mode, deadline, signal: outer }) {
      const from = clock.now();
      const writing = limited(writeDeadline(from, deadline, letters !== undefined, hasWrittenLetters), clock, outer);
      const deliveries = await deliverAll(batch, mode, writing.signal, writing.deadline).finally(writing.end);

      let settlement = settle(deliveries, { mode, dataErrors: parts.dataErrors });
      if (letters !== undefined) {
        const lettering = limited(deadline - endReserveMs, clock, outer);
        const context = { ...parts.letterContext, now: clock.now() };
        settlement = await deadLetter(settlement, { ...letters, context, signal: lettering.signal, deadline: lettering.deadline }).finally(
          lettering.end,
        );
      }
      const measurement = measure(settlement, parts.dataErrors, clock.now() - from);
      hasWrittenLetters ||= measurement.deadLettered > 0;
      const done = acknowledged(settlement);
      parts.tolerance.settled(done.length, measurement.deadLettered + measurement.skipped);
      blockedBy = blockingConfigError(settlement);
      parts.report(measurement);
      return settlement;
    },
    async close() {
      await opened.close?.();
      await letters?.writer.close?.();
    },
  };
}

async function probeLetters(topic: string, opened: OpenedSink, signal: AbortSignal): Promise<void> {
  try {
    await opened.reopen({ signal });
    await opened.probe?.({ signal });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError('DEAD_LETTER_REFUSED', `No dead letter can be written to ${topic}: ${error.message}`, { cause: error });
  }
}

/** Time kept for ending what is abandoned, and for the answer itself. */
const endReserveMs = graceMs + 250;

/** Keeps a reserve for dead letters: 10 % of the time, at least 2 s, and twice that while the producer has not been opened yet. */
function writeDeadline(from: number, deadline: number, hasLetters: boolean, isProducerWarm: boolean): number {
  if (!hasLetters) return deadline - endReserveMs;
  const reserve = Math.max(2_000, (deadline - from) * 0.1) * (isProducerWarm ? 1 : 2);
  return deadline - Math.min(reserve, (deadline - from) / 2);
}

/** A signal that aborts at the deadline or with the outer one; `end` releases its timer. */
function limited(
  deadline: number,
  { now, sleep }: Clock,
  outer: AbortSignal | undefined,
): { readonly signal: AbortSignal; readonly deadline: number; readonly end: () => void } {
  const controller = new AbortController();
  const over = new AbortController();
  void sleep(Math.max(0, deadline - now()), over.signal).then(() => {
    if (!over.signal.aborted) controller.abort();
  });
  if (outer?.aborted === true) controller.abort();
  outer?.addEventListener('abort', () => controller.abort(), { once: true, signal: over.signal });
  return { signal: controller.signal, deadline, end: () => over.abort() };
}

function measure(settlement: Settlement, dataErrors: DataErrorPolicy, ms: number): BatchMeasurement {
  const counts = { records: 0, delivered: 0, ignored: 0, dropped: 0, deadLettered: 0, skipped: 0, redelivered: 0 };
  let lastError: BatchMeasurement['lastError'];
  let heaviest = 0;
  for (const { deliveries, prefix } of settlement.partitions) {
    counts.records += deliveries.length;
    counts.redelivered += deliveries.length - prefix;
    for (const [index, { outcome, source }] of deliveries.entries()) {
      if (outcome instanceof ConnectorError && weight(outcome) >= heaviest) {
        heaviest = weight(outcome);
        lastError = { class: outcome.class, code: outcome.code, message: outcome.message, at: originName(source.origin) };
      }
      if (index >= prefix) continue;
      if (outcome instanceof DataError) counts[dataErrors === 'skip' ? 'skipped' : 'deadLettered']++;
      else if (outcome === 'delivered' || outcome === 'ignored' || outcome === 'dropped') counts[outcome]++;
    }
  }
  return { ...counts, ms, ...(lastError === undefined ? {} : { lastError }) };
}

/** A record that was held back says nothing of why. */
function weight(error: ConnectorError): number {
  return error.code === 'HELD_BACK' ? 0 : severity(error);
}
