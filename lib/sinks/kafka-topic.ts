import { type Static, Type } from 'typebox';
import { clusterSchema } from '../clients/kafka/cluster-config.ts';
import type { OutgoingRecord } from '../clients/kafka/record-batch.ts';
import { ConfigError } from '../core/errors.ts';
import { toJson } from '../core/json.ts';
import type { KafkaRecord } from '../core/record.ts';
import { type Route, router } from '../core/route.ts';
import { defineSink } from '../core/sink.ts';
import { parseTemplate } from '../core/template.ts';

const config = Type.Object({
  topic: Type.String({ minLength: 1, description: 'Topic to write to. Placeholders such as {topic} are filled in.' }),
  allow: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    description: 'Names, and prefixes that end in *, of topics that records may choose.',
  }),
  maxTargets: Type.Integer({ default: 100, minimum: 1, description: 'How many different topics records may choose within a day.' }),
  partition: Type.Union([Type.Literal('key'), Type.Literal('keep')], {
    default: 'key',
    description: 'Whether the key chooses the partition, as in Java producers, or the record stays in the partition that it came from.',
  }),
  compression: Type.Union([Type.Literal('none'), Type.Literal('gzip'), Type.Literal('snappy'), Type.Literal('lz4'), Type.Literal('zstd')], {
    default: 'none',
    description: 'How record batches are compressed. snappy and lz4 need their packages where the connector runs.',
  }),
  cluster: Type.Optional(clusterSchema),
});
type Config = Static<typeof config>;

const path = 'connector.sink.topic';

export const kafkaTopic = defineSink({
  name: 'kafka-topic',
  summary: 'Produces records to a Kafka topic, with key, headers and timestamp as they were.',
  config,
  // A topic is a log: what comes twice is there twice, and a tombstone is one more record, which compaction acts on later.
  guarantees: () => ({ idempotent: false, ordered: false, deletes: false, partial: true }),
  limits: () => ({ records: 5_000, bytes: 5_000_000 }),
  permissions({ topic, cluster }) {
    if (cluster?.auth?.type !== 'msk-iam') return [];
    const { literalPrefix, constant } = parseTemplate(topic, path);
    const resources = [`arn:*:kafka:*:*:topic/*/*/${constant ?? `${literalPrefix}*`}`];
    return [
      { actions: ['kafka-cluster:Connect'], resources: ['arn:*:kafka:*:*:cluster/*/*'] },
      { actions: ['kafka-cluster:DescribeTopic', 'kafka-cluster:WriteData'], resources },
    ];
  },
  async open(config, context) {
    const template = parseTemplate(config.topic, path);
    const { allow, maxTargets, compression } = config;
    const route = router({ path, template, allow, maxTargets, valid: isTopicName, now: context.now });
    const cluster = config.cluster ?? context.cluster;
    if (cluster === undefined)
      throw new ConfigError('CONFIG_INVALID', 'Expected sluice.cluster or connector.sink.cluster, to know which Kafka to write to.');
    const { openProducer, topicSink } = await import('../clients/kafka/topic-writer.ts');
    const producer = await openProducer(
      cluster,
      config.cluster === undefined ? 'sluice.cluster' : 'connector.sink.cluster',
      compression,
      context,
    );
    return topicSink(producer, (record) => toOutgoing(record, config, route), template.constant);
  },
});

function isTopicName(name: string): true | string {
  return /^[\w.-]{1,249}$/.test(name) && name !== '.' && name !== '..' ? true : "at most 249 letters, digits, '.', '_' and '-'";
}

/** The record as it is produced: bytes and text as they are, everything else as JSON. Throws a DataError. */
export function toOutgoing(record: KafkaRecord, { partition }: Pick<Config, 'partition'>, route: Route): OutgoingRecord {
  return {
    topic: route(record),
    ...(partition === 'keep' ? { partition: record.origin.partition } : {}),
    key: toBytes(record.key),
    value: record.value === null ? null : (record.bytes ?? toBytes(record.value)),
    headers: record.headers,
    timestamp: record.timestamp,
  };
}

function toBytes(part: unknown): Uint8Array | null {
  if (part === null || part instanceof Uint8Array) return part;
  return Buffer.from(typeof part === 'string' ? part : toJson(part));
}
