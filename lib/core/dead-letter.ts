import type { Delivery } from './delivery.ts';
import { ConfigError, type ConnectorError, DataError, RetriableError } from './errors.ts';
import { headerOnly, type Letter, type LetterContext, toLetter } from './letter.ts';
import { checkedOutcomes, failAll, sinkFailure } from './outcome.ts';
import { originName } from './record.ts';
import { acknowledged, allOrNothing, type PartitionSettlement, type Settlement } from './settle.ts';
import type { Outcome, Sink, WriteOptions } from './sink.ts';

export interface DeadLetterOptions extends WriteOptions {
  /** Writes to the dead letter topic. */
  readonly writer: Sink;
  readonly topic: string;
  readonly context: LetterContext;
}

/**
 * Writes a letter for each data error inside the prefixes; poison behind an outage will come again. Where a letter cannot be written, the
 * prefix ends before its record. A record that came out of the same dead letter topic has its letter already.
 */
export async function deadLetter(settlement: Settlement, options: DeadLetterOptions): Promise<Settlement> {
  const letters = acknowledged(settlement).flatMap((delivery) => {
    const isNew = delivery.outcome instanceof DataError && delivery.source.origin.topic !== options.topic;
    return isNew ? [{ delivery, letter: toLetter(delivery, delivery.outcome, options.context) }] : [];
  });
  if (letters.length === 0) return settlement;

  const outcomes = await writeLetters(
    letters.map(({ letter }) => letter),
    options,
  );
  const failures = new Map<Delivery, ConnectorError>();
  for (const [index, { delivery }] of letters.entries()) {
    const outcome = outcomes[index];
    if (outcome !== 'delivered' && outcome !== 'ignored') failures.set(delivery, unwritten(delivery, outcome, options.topic));
  }
  if (failures.size === 0) return settlement;
  return allOrNothing({ ...settlement, partitions: settlement.partitions.map((partition) => endBefore(partition, failures)) });
}

/** A letter that is too large for the topic is written once more without key and value. */
async function writeLetters(letters: readonly Letter[], options: DeadLetterOptions): Promise<readonly Outcome[]> {
  const outcomes = [...(await write(letters, options))];
  const tooLarge = letters.flatMap((letter, position) => (outcomes[position] instanceof DataError ? [{ letter, position }] : []));
  if (tooLarge.length === 0) return outcomes;
  const again = await write(
    tooLarge.map(({ letter }) => headerOnly(letter)),
    options,
  );
  for (const [index, { position }] of tooLarge.entries()) {
    const outcome = again[index];
    if (outcome !== undefined) outcomes[position] = outcome;
  }
  return outcomes;
}

async function write(letters: readonly Letter[], { writer, signal, deadline }: DeadLetterOptions): Promise<readonly Outcome[]> {
  if (signal.aborted) return failAll(letters.length, new RetriableError('ABORTED', 'The time for letters is over'));
  try {
    return checkedOutcomes(await writer.write(letters, { signal, ...(deadline === undefined ? {} : { deadline }) }), letters.length);
  } catch (error) {
    return failAll(letters.length, sinkFailure(error));
  }
}

function unwritten({ source, outcome: first }: Delivery, outcome: Outcome | undefined, topic: string): ConnectorError {
  const message = `The dead letter of ${originName(source.origin)} could not be written to ${topic}`;
  const cause = outcome ?? first;
  if (outcome instanceof ConfigError) return new ConfigError('DEAD_LETTER_REFUSED', `${message}: ${outcome.message}`, { cause });
  return new RetriableError('DEAD_LETTER_FAILED', message, { cause });
}

function endBefore(partition: PartitionSettlement, failures: ReadonlyMap<Delivery, ConnectorError>): PartitionSettlement {
  const first = partition.deliveries.findIndex((delivery) => failures.has(delivery));
  if (first === -1) return partition;
  const deliveries = partition.deliveries.map((delivery) => {
    const outcome = failures.get(delivery);
    return outcome === undefined ? delivery : { ...delivery, outcome };
  });
  return { ...partition, deliveries, prefix: Math.min(partition.prefix, first) };
}
