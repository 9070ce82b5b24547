import type { ErrorRule, Permission, SinkMode } from '../../core/sink.ts';
import { parseTemplate } from '../../core/template.ts';
import { type Options, stopsAtGaps, topicPath } from './options.ts';

const otherCluster = { bootstrapServers: 'other-kafka:9092' };

export const modes: readonly SinkMode[] = [
  { name: 'copy', config: { topic: 'copy.{topic}' } },
  { name: 'mirror', config: { topic: '{topic}', partition: 'keep', cluster: otherCluster } },
  { name: 'repartition', config: { topic: 'by-region.{topic}', partition: '{value.region}' } },
];

/** What each answer of Kafka leads to. */
export const errors: readonly ErrorRule[] = [
  { when: 'written by all replicas in sync', class: 'delivered', meaning: 'The record is in the topic.' },
  { when: 'the record has been in the target cluster already', class: 'ignored', meaning: 'It would go round for ever.' },
  {
    when: 'MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE',
    class: 'data',
    meaning: 'One record is larger than the topic takes; its neighbours are written.',
  },
  {
    when: 'INVALID_RECORD, CORRUPT_MESSAGE',
    class: 'data',
    meaning: "The record breaks the topic's rules, e.g. no key in a compacted topic.",
  },
  { when: 'INVALID_TIMESTAMP', class: 'data', meaning: 'The topic refuses times so far from now.' },
  {
    when: 'the name of the topic is outside of allow, or no name',
    class: 'data',
    meaning: 'A record chose a topic that it may not choose.',
  },
  {
    when: 'UNKNOWN_TOPIC_OR_PARTITION, fewer partitions than the source',
    class: 'config',
    meaning: 'Create the topic, or set createTopics.',
  },
  { when: 'TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED', class: 'config', meaning: 'An ACL is missing.' },
  { when: 'SASL_AUTHENTICATION_FAILED, TLS refused', class: 'config', meaning: 'Opened again once with fresh secrets, then stopped.' },
  { when: 'POLICY_VIOLATION, UNSUPPORTED_COMPRESSION_TYPE', class: 'config', meaning: 'The target refuses what is configured.' },
  { when: 'source records deleted before they were mirrored', class: 'config', meaning: 'SOURCE_GAP, for that partition; see acceptGaps.' },
  { when: 'source topic created again', class: 'config', meaning: 'SOURCE_RECREATED, for its partitions; raise connector.epoch.' },
  {
    when: 'NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, timeouts, lost connections',
    class: 'retriable',
    meaning: 'Tried again, then redelivered.',
  },
];

/** What an MSK cluster with IAM has to allow. */
export function permissions(config: Options): readonly Permission[] {
  const { topic, cluster, createTopics } = config;
  if (cluster?.auth?.type !== 'msk-iam') return [];
  const { literalPrefix, constant } = parseTemplate(topic, topicPath);
  const resources = [`arn:*:kafka:*:*:topic/*/*/${constant ?? `${literalPrefix}*`}`];
  return [
    { actions: ['kafka-cluster:Connect'], resources: ['arn:*:kafka:*:*:cluster/*/*'] },
    {
      actions: [
        'kafka-cluster:DescribeTopic',
        'kafka-cluster:WriteData',
        ...(stopsAtGaps(config) ? ['kafka-cluster:ReadData'] : []),
        ...(createTopics === false ? [] : ['kafka-cluster:CreateTopic']),
      ],
      resources,
    },
  ];
}
