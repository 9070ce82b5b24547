import { Type } from 'typebox';
import { parseConfig } from '../../core/config.ts';
import { type ConnectorError, DataError, RetriableError } from '../../core/errors.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { OpenContext, Outcome, Sink } from '../../core/sink.ts';
import { type Cluster, connectCluster } from '../kafka.ts';
import { clusterSchema } from './cluster-config.ts';
import type { Compression } from './codecs.ts';
import type { RecordProducer } from './producer.ts';
import type { OutgoingRecord } from './record-batch.ts';

export interface TopicWriterOptions {
  /** As under `sluice.cluster`, unchecked. */
  readonly cluster: unknown;
  readonly topic: string;
  readonly compression?: Compression;
}

/** A sink that writes records as they are, with bytes for key and value, to one topic. It connects at the first record. A timestamp that the topic refuses is replaced. */
export async function openTopicWriter({ cluster, topic, compression = 'none' }: TopicWriterOptions, context: OpenContext): Promise<Sink> {
  const producer = (await openCluster(cluster, 'sluice.cluster', context)).producer({ compression });
  const toOutgoing = ({ key, value, headers, timestamp }: KafkaRecord): OutgoingRecord => {
    const bytes = (part: unknown): Uint8Array | null => {
      if (part === null || part instanceof Uint8Array) return part;
      throw new DataError('SINK_REJECTED_RECORD', `Expected bytes or nothing, got ${typeof part}`);
    };
    return { topic, key: bytes(key), value: bytes(value), headers, timestamp };
  };
  const sink = topicSink(producer, toOutgoing, topic);
  return {
    ...sink,
    async write(records, options) {
      const outcomes = [...(await sink.write(records, options))];
      // A record that was refused its timestamp is better kept with another one than not at all.
      const refused = outcomes.flatMap((outcome, index) =>
        outcome instanceof DataError && outcome.code === 'SINK_TIMESTAMP_REFUSED' ? [index] : [],
      );
      if (refused.length === 0) return outcomes;
      const timestamp = context.now();
      const again = await sink.write(
        refused.flatMap((index) => records[index] ?? []).map((record) => ({ ...record, timestamp })),
        options,
      );
      for (const [position, index] of refused.entries()) outcomes[index] = again[position] ?? unanswered();
      return outcomes;
    },
  };
}

/** A cluster as in serverless.yml. Throws a ConfigError that says what is wrong with it at `path`. */
export async function openCluster(cluster: unknown, path: string, context: OpenContext): Promise<Cluster> {
  const own = parseConfig(Type.Object({ cluster: clusterSchema }), { cluster }, path.slice(0, path.lastIndexOf('.')));
  return await connectCluster(own.cluster, context);
}

/** A sink over a producer. A record that cannot be brought into its outgoing form, by a DataError, fails alone. */
export function topicSink(
  producer: RecordProducer,
  toOutgoing: (record: KafkaRecord) => OutgoingRecord | Outcome,
  probedTopic: string | undefined,
): Sink {
  return {
    async write(records, { signal }) {
      const outgoing: OutgoingRecord[] = [];
      const outcomes = new Array<Outcome | number>(records.length);
      for (const [index, record] of records.entries()) outcomes[index] = place(record, toOutgoing, outgoing);
      const sent = await producer.send(outgoing, { signal });
      for (const [index, outcome] of outcomes.entries()) {
        if (typeof outcome !== 'number') {
          if (outcome instanceof DataError) outcomes[index] = located(outcome, records[index]);
          continue;
        }
        const result = sent[outcome];
        outcomes[index] = result === 'sent' ? 'delivered' : result === undefined ? unanswered() : located(result, records[index]);
      }
      return outcomes as Outcome[];
    },
    probe: ({ signal }) => producer.probe(probedTopic, { signal }),
    close: () => producer.close(),
  };
}

/** Where the record is among the outgoing ones, or what became of it already. */
function place(record: KafkaRecord, toOutgoing: (record: KafkaRecord) => OutgoingRecord | Outcome, outgoing: OutgoingRecord[]) {
  try {
    const made = toOutgoing(record);
    return typeof made === 'object' && 'topic' in made ? outgoing.push(made) - 1 : made;
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
}

function unanswered(): RetriableError {
  return new RetriableError('KAFKA_UNAVAILABLE', 'Kafka did not answer for this record');
}

/** A record's own error says which record it is. */
function located(error: ConnectorError, record: KafkaRecord | undefined): ConnectorError {
  if (!(error instanceof DataError) || record === undefined || error.message.includes(originName(record.origin))) return error;
  return new DataError(error.code, `${error.message} (${originName(record.origin)})`, { cause: error.cause });
}
