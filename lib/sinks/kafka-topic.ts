import type { Cluster } from '../clients/kafka.ts';
import { ConfigError } from '../core/errors.ts';
import { router } from '../core/route.ts';
import { defineSink } from '../core/sink.ts';
import { parseTemplate } from '../core/template.ts';
import { checkOptions, isTopicName, options, stopsAtGaps, topicPath } from './kafka-topic/options.ts';
import { outgoing } from './kafka-topic/outgoing.ts';
import { errors, modes, permissions } from './kafka-topic/reference.ts';
import type { Surroundings } from './kafka-topic/surroundings.ts';

export const kafkaTopic = defineSink({
  name: 'kafka-topic',
  summary: 'Produces records to topics of this or another Kafka cluster: copies, mirrors, repartitions.',
  config: options,
  check: checkOptions,
  // A topic is a log: what comes twice is there twice, and a tombstone is one more record, which compaction acts on later.
  guarantees: () => ({ idempotent: false, ordered: false, deletes: false, partial: true }),
  limits: () => ({ records: 5_000, bytes: 5_000_000 }),
  permissions,
  modes,
  errors,
  async open(config, context) {
    const template = parseTemplate(config.topic, topicPath);
    const { allow, maxTargets, compression } = config;
    const route = router({ path: topicPath, template, allow, maxTargets, valid: isTopicName, now: context.now });
    if (config.cluster === undefined && context.cluster === undefined) throw noCluster();
    const { openCluster, topicSink } = await import('../clients/kafka/topic-writer.ts');
    const open = (cluster: unknown, path: string): Promise<Cluster> => openCluster(cluster, path, context);

    const looksAround = config.provenance || config.createTopics !== false;
    // Where the source is not asked for anything, its settings need not suit a client, e.g. as an ARN.
    const asksSource = config.sourceClusterId === undefined || config.createTopics !== false || stopsAtGaps(config);
    const needsSource = config.cluster === undefined || (looksAround && asksSource && context.cluster !== undefined);
    const source = needsSource ? await open(context.cluster, 'sluice.cluster') : undefined;
    const target = config.cluster === undefined ? source : await open(config.cluster, 'connector.sink.cluster');
    if (target === undefined) throw noCluster();
    let known: Surroundings | undefined;
    const sink = topicSink(
      target.producer({ compression }),
      outgoing(config, route, context.now, () => known),
      template.constant,
    );
    if (!looksAround) return sink;
    const { mirror } = await import('./kafka-topic/mirror.ts');
    return mirror({
      ...{ config, context, route, target, sink },
      source,
      found: (surroundings) => {
        known = surroundings;
      },
    });
  },
});

function noCluster(): ConfigError {
  return new ConfigError('CONFIG_INVALID', 'Expected sluice.cluster or connector.sink.cluster, to know which Kafka to write to.');
}
