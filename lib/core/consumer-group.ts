import { type ConnectorSettings, topicsOf } from './settings.ts';

export interface ConnectorName {
  readonly service: string;
  readonly stage: string;
  readonly connector: string;
}

/** The consumer group of the trigger of one topic: SERVICE-STAGE-NAME-TOPIC, or the one that was set. No two triggers may share one. */
export function triggerGroup({ service, stage, connector }: ConnectorName, settings: ConnectorSettings, topic: string): string {
  const { consumerGroup } = settings.trigger;
  if (consumerGroup === undefined) return [service, stage, connector, topic].join('-');
  return topicsOf(settings).length > 1 ? `${consumerGroup}-${topic}` : consumerGroup;
}

/** The consumer group of a worker: that of the trigger for one topic, so that a connector can move between the two; several topics share one. */
export function workerGroup({ service, stage, connector }: ConnectorName, settings: ConnectorSettings): string {
  const topics = topicsOf(settings);
  return settings.trigger.consumerGroup ?? [service, stage, connector, ...(topics.length === 1 ? topics : [])].join('-');
}
