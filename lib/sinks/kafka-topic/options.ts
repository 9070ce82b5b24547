import { type Static, Type } from 'typebox';
import { clusterSchema } from '../../clients/kafka/cluster-config.ts';
import { parseTemplate } from '../../core/template.ts';

/** Settings of a topic that describe its data, not the cluster it is in. */
export const copiedSettings: readonly string[] = [
  'cleanup.policy',
  'compression.type',
  'delete.retention.ms',
  'max.compaction.lag.ms',
  'max.message.bytes',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'retention.bytes',
  'retention.ms',
  'segment.bytes',
  'segment.ms',
];

const Placeholders = (description: string) => Type.String({ pattern: '\\{.+\\}', description });
const HeaderName = Type.String({ minLength: 1 });

const headersSchema = Type.Object(
  {
    remove: Type.Array(HeaderName, { default: [], description: 'Names, and prefixes that end in *, of headers that are left out.' }),
    rename: Type.Record(HeaderName, HeaderName, { default: {}, description: 'New names of headers, by their old names.' }),
    add: Type.Record(HeaderName, Type.String(), {
      default: {},
      description: 'Headers that are added, in UTF-8: text with placeholders such as {topic}, {key} or {value.region}.',
    }),
  },
  { default: { remove: [], rename: {}, add: {} }, description: 'What changes in the headers: first remove, then rename, then add.' },
);

const createTopicsSchema = Type.Object(
  {
    partitions: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Partitions of a new topic; as many as the source has by default.' }),
    ),
    replicationFactor: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 32_767, description: "Copies of each partition; the target cluster's default by default." }),
    ),
    copy: Type.Array(Type.String(), {
      default: [...copiedSettings],
      description: `Which settings of the source topic a new topic gets too, where somebody set them there. Those that describe the data may be copied: ${copiedSettings.join(', ')}.`,
    }),
    settings: Type.Record(HeaderName, Type.String(), {
      default: {},
      description: 'Further settings of a new topic, e.g. min.insync.replicas; they win over copied ones.',
    }),
  },
  { description: 'Options of the topics that are created.' },
);

export const options = Type.Object({
  topic: Type.String({
    minLength: 1,
    description: 'Topic to write to. Placeholders are filled in: eu.{topic} keeps the name behind a prefix, {topic} keeps it as it is.',
  }),
  allow: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    description: 'Names, and prefixes that end in *, of topics that records may choose.',
  }),
  maxTargets: Type.Integer({ default: 100, minimum: 1, description: 'How many different topics records may choose within a day.' }),
  partition: Type.Union(
    [
      Type.Literal('key'),
      Type.Literal('keep'),
      Placeholders('What is hashed instead of the key, e.g. {value.customer.id}: records with the same text share a partition.'),
    ],
    {
      default: 'key',
      description:
        'key: the key that is written chooses the partition, as in Java producers. keep: the record stays in the partition of the same number. Text with placeholders, e.g. {value.customer.id}: that text chooses, as a key would.',
    },
  ),
  key: Type.Union([Type.Literal('keep'), Type.Literal('none'), Placeholders('Text that becomes the key, e.g. {value.customer.id}.')], {
    default: 'keep',
    description: 'keep: as it is. none: no key. Text with placeholders, e.g. {value.customer.id}: that text becomes the key.',
  }),
  headers: headersSchema,
  timestamp: Type.Union([Type.Literal('keep'), Type.Literal('now')], {
    default: 'keep',
    description: "Whether a record keeps its time or gets the time of writing. A topic with LogAppendTime sets the broker's time anyway.",
  }),
  compression: Type.Union([Type.Literal('none'), Type.Literal('gzip'), Type.Literal('snappy'), Type.Literal('lz4'), Type.Literal('zstd')], {
    default: 'none',
    description: 'How record batches are compressed. snappy and lz4 need their packages where the connector runs.',
  }),
  provenance: Type.Boolean({
    default: true,
    description:
      'Whether records carry where they come from: sluice.source (topic:partition:offset:epoch:part:topic id) and sluice.chain (the clusters and topics they have been in). A record that has been in the target cluster already is not written again, so two clusters may mirror each other under any names.',
  }),
  sourceClusterId: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'Id of the cluster that is read, for the chain of provenance. Read from sluice.cluster by default.',
    }),
  ),
  gaps: Type.Optional(
    Type.Union([Type.Literal('stop'), Type.Literal('ignore')], {
      description:
        'Whether to stop when the source lost records before they were read (retention), or when the source topic was created again. By default stop with cluster where the topic that is written follows from the one that is read, otherwise ignore. Needs provenance, a target topic that does not depend on the record, and the right to read both topics. A transform that drops everything for longer than the source keeps records looks like a gap: choose ignore there.',
    }),
  ),
  acceptGaps: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
    default: {},
    description:
      'Gaps that are known and accepted: by partition, e.g. orders-3, the offset at which to go on. What is missing before it is not asked for any more.',
  }),
  createTopics: Type.Union([Type.Boolean(), createTopicsSchema], {
    default: false,
    description: 'Whether topics that do not exist are created, with the partitions and settings of the source topic.',
  }),
  cluster: Type.Optional(clusterSchema),
});
export type Options = Static<typeof options>;

/** The path by which messages name the topic option. */
export const topicPath = 'connector.sink.topic';

/** Whether gaps of the source stop the mirror. Where records of one partition go to several topics, what one of them holds last tells nothing. */
export function stopsAtGaps({ gaps, cluster, provenance, topic }: Pick<Options, 'gaps' | 'cluster' | 'provenance' | 'topic'>): boolean {
  if (gaps !== undefined) return gaps === 'stop';
  return cluster !== undefined && provenance && parseTemplate(topic, topicPath).byTopicOnly;
}

/** What the options cannot say one by one. */
export function checkOptions(config: Options): readonly { readonly path: string; readonly message: string }[] {
  const problems: { path: string; message: string }[] = [];
  if (config.cluster === undefined && config.topic === '{topic}')
    problems.push({
      path: 'topic',
      message: 'Expected another topic than the one that is read. Set cluster, or a name such as copy.{topic}.',
    });
  if (config.gaps === 'stop' && !config.provenance)
    problems.push({ path: 'gaps', message: 'Expected provenance, by which gaps are found. Set provenance to true, or gaps to ignore.' });
  for (const name of Object.keys(config.acceptGaps))
    if (!/^[\w.-]{1,249}-\d+$/.test(name))
      problems.push({ path: `acceptGaps.${name}`, message: 'Expected the name of a partition, TOPIC-NUMBER, e.g. orders-3.' });
  const copied = typeof config.createTopics === 'object' ? config.createTopics.copy : [];
  for (const name of copied.filter((each) => !copiedSettings.includes(each)))
    problems.push({ path: 'createTopics.copy', message: `${name} is not copied. Give it a value in createTopics.settings instead.` });
  for (const [path, text] of templatesOf(config)) {
    try {
      parseTemplate(text, path);
    } catch (error) {
      problems.push({ path, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return problems;
}

function templatesOf({ partition, key, headers }: Options): [string, string][] {
  const templates: [string, string][] = Object.entries(headers.add).map(([name, text]) => [`headers.add.${name}`, text]);
  if (partition !== 'key' && partition !== 'keep') templates.push(['partition', partition]);
  if (key !== 'keep' && key !== 'none') templates.push(['key', key]);
  return templates;
}

/** Kafka's rule for names of topics. */
export function isTopicName(name: string): true | string {
  return /^[\w.-]{1,249}$/.test(name) && name !== '.' && name !== '..' ? true : "at most 249 letters, digits, '.', '_' and '-'";
}
