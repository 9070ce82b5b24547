import type { SendOutcome } from '../../clients/kafka/lots.ts';
import type { OutgoingRecord } from '../../clients/kafka/record-batch.ts';
import type { Cluster } from '../../clients/kafka.ts';
import { realClock } from '../../compose.ts';
import { ConfigError, DataError, RetriableError } from '../../core/errors.ts';
import { originName } from '../../core/record.ts';
import { backoff } from '../../core/retry.ts';
import { roundsHeader, sourceOf } from './dead-letter.ts';
import { type Destination, type Replayed, textHeader } from './destination.ts';
import { replayHeaders } from './to-sink.ts';

export interface ToTopicOptions {
  readonly cluster: Cluster;
  readonly dryRun: boolean;
  /** Whether the connector believes what the record says of its version and failed parts. */
  readonly acceptsReplays: boolean;
}

interface TopicFacts {
  readonly partitions: number;
  /** Milliseconds; infinite when nothing is deleted by its age. */
  readonly retentionMs: number;
}

const retry = { baseMs: 200, capMs: 2_000 } as const;
const attempts = 5;
const sendTimeoutMs = 60_000;

/** To the topic and partition that each record came from: everybody who reads that topic gets it again, as a new record. */
export async function toTopic({ cluster, dryRun, acceptsReplays }: ToTopicOptions): Promise<Destination> {
  const producer = cluster.producer();
  const admin = await cluster.admin();
  const facts = new Map<string, Promise<TopicFacts | undefined>>();
  const factsOf = (topic: string): Promise<TopicFacts | undefined> => {
    const known = facts.get(topic) ?? readFacts(topic);
    facts.set(topic, known);
    return known;
  };
  const readFacts = async (topic: string): Promise<TopicFacts | undefined> => {
    try {
      const { 'cleanup.policy': policy = 'delete', 'retention.ms': retention = '-1' } = await admin.settings(topic, [
        'cleanup.policy',
        'retention.ms',
      ]);
      const ms = Number(retention);
      const deletes = policy.includes('delete') && ms >= 0;
      return { partitions: await admin.partitions(topic), retentionMs: deletes ? ms : Number.POSITIVE_INFINITY };
    } catch (error) {
      if (error instanceof ConfigError && error.code === 'KAFKA_TOPIC_MISSING') return undefined;
      throw error;
    }
  };
  const toOutgoing = async ({ letter, record }: Replayed): Promise<OutgoingRecord | DataError> => {
    const source = sourceOf(letter);
    const found = source === undefined ? undefined : await factsOf(source.topic);
    if (source === undefined || found === undefined)
      return new DataError('TOPIC_GONE', `There is no topic ${source?.topic} any more (${originName(letter.place)})`);
    const { topic, partition } = source;
    // A record with a time beyond the retention could be deleted as soon as it is written.
    const isKept = realClock.now() - letter.timestamp < found.retentionMs / 2;
    return {
      topic,
      ...(partition < found.partitions ? { partition } : {}),
      key: record.key,
      value: record.value,
      headers: [
        ...record.headers.filter(({ key }) => key !== roundsHeader),
        ...(acceptsReplays ? replayHeaders(letter) : []),
        textHeader(roundsHeader, String(letter.rounds + 1)),
      ],
      ...(isKept ? { timestamp: letter.timestamp } : {}),
    };
  };

  return {
    words: 'to the topic they came from',
    refusal: (letter) => (sourceOf(letter) === undefined ? 'does not say where it came from, as it has no context headers' : undefined),
    async send(letters) {
      const outgoing = await Promise.all(letters.map(toOutgoing));
      const records = outgoing.flatMap((each) => (each instanceof DataError ? [] : [each]));
      const sent = dryRun ? records.map(() => 'sent' as const) : await sendAll(records);
      let next = 0;
      return outgoing.map((each) => {
        if (each instanceof DataError) return each;
        const outcome = sent[next++] ?? new RetriableError('KAFKA_UNAVAILABLE', 'Kafka did not answer for this record');
        return outcome === 'sent' ? 'delivered' : outcome;
      });
    },
    async close() {
      await producer.close();
      await admin.close();
    },
  };

  /** Tries again what Kafka could not take for now, and without its time what it refused for that. */
  async function sendAll(records: readonly OutgoingRecord[]): Promise<readonly SendOutcome[]> {
    const outcomes: SendOutcome[] = records.map(() => new RetriableError('KAFKA_UNAVAILABLE', 'Not sent yet'));
    let open: readonly { readonly place: number; readonly record: OutgoingRecord }[] = records.map((record, place) => ({ place, record }));
    for (let attempt = 1; open.length > 0 && attempt <= attempts; attempt++) {
      const signal = AbortSignal.timeout(sendTimeoutMs);
      if (attempt > 1) await realClock.sleep(backoff(attempt - 1, retry, realClock.random), signal);
      const answers = await producer.send(
        open.map(({ record }) => record),
        { signal },
      );
      for (const [index, { place }] of open.entries())
        outcomes[place] = answers[index] ?? new RetriableError('KAFKA_UNAVAILABLE', 'Kafka did not answer for this record');
      open = open.flatMap(({ place, record }, index) => {
        const answer = answers[index];
        if (answer instanceof RetriableError) return [{ place, record }];
        if (!(answer instanceof DataError && answer.code === 'SINK_TIMESTAMP_REFUSED') || record.timestamp === undefined) return [];
        const { timestamp: _, ...timeless } = record;
        return [{ place, record: timeless }];
      });
    }
    return outcomes;
  }
}
