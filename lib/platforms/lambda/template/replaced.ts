import type { Problem } from '../../../core/config.ts';
import { isObject } from '../../../core/field.ts';
import type { Resource } from './resources.ts';

/** An event source mapping as Lambda lists it, the part that is compared. */
export interface DeployedMapping {
  readonly FunctionArn?: string | undefined;
  readonly Topics?: readonly string[] | undefined;
  readonly StartingPosition?: string | undefined;
  readonly EventSourceArn?: string | undefined;
  readonly SelfManagedEventSource?: { readonly Endpoints?: Readonly<Record<string, readonly string[]>> | undefined } | undefined;
  readonly SelfManagedKafkaEventSourceConfig?: { readonly ConsumerGroupId?: string | undefined } | undefined;
  readonly AmazonManagedKafkaEventSourceConfig?: { readonly ConsumerGroupId?: string | undefined } | undefined;
}

export interface PlannedMapping {
  readonly connector: string;
  /** The function's name as AWS knows it. */
  readonly functionName: string;
  readonly resource: Resource;
}

/**
 * Mappings that a deployment would make while others of the same consumer group are still there, which AWS refuses half-way through:
 * what is only set when a mapping is made cannot be changed, so CloudFormation makes a new one before it removes the old.
 */
export function replacedMappings(planned: readonly PlannedMapping[], deployed: readonly DeployedMapping[]): Problem[] {
  return planned.flatMap(({ connector, functionName, resource: { Properties: wanted } }): Problem[] => {
    const group = groupOf(wanted);
    const same = deployed.find((mapping) => group !== undefined && groupOf(mapping) === group);
    if (same === undefined) return [];
    const changed = [
      ...(same.FunctionArn?.endsWith(`:function:${functionName}`) === false ? [`the function (${nameOf(same.FunctionArn)} before)`] : []),
      ...(differs(same.Topics, wanted['Topics']) ? [`the topic (${same.Topics?.join()} before)`] : []),
      ...(differs(same.StartingPosition, wanted['StartingPosition']) ? [`startingPosition (${same.StartingPosition} before)`] : []),
      ...(differs(clusterOf(same), clusterOf(wanted)) ? ['the cluster'] : []),
    ];
    if (changed.length === 0) return [];
    const message = `A deployed trigger cannot change ${changed.join(' and ')}: AWS makes a new one before it removes the old, and refuses two in the consumer group ${group}. Set another consumerGroup, which begins at startingPosition; or take the connector out, deploy, put it back and deploy again, and the group goes on where it was.`;
    return [{ path: `functions.${connector}.connector.trigger.consumerGroup`, message }];
  });
}

function groupOf(mapping: object): string | undefined {
  const configs = ['SelfManagedKafkaEventSourceConfig', 'AmazonManagedKafkaEventSourceConfig'].map(
    (name) => Reflect.get(mapping, name) as unknown,
  );
  const group = configs.filter(isObject).map((config) => config['ConsumerGroupId'])[0];
  return typeof group === 'string' ? group : undefined;
}

/** Its ARN, or its brokers; undefined while only an intrinsic function says it. */
function clusterOf(mapping: object): unknown {
  const { EventSourceArn: arn, SelfManagedEventSource: own } = mapping as DeployedMapping;
  if (arn !== undefined) return typeof arn === 'string' ? arn : undefined;
  const brokers = Object.values(own?.Endpoints ?? {})[0];
  return brokers === undefined ? undefined : [...brokers].sort();
}

/** What is not known is not compared. */
function differs(before: unknown, after: unknown): boolean {
  return before !== undefined && after !== undefined && JSON.stringify(before) !== JSON.stringify(after);
}

function nameOf(arn: string): string | undefined {
  return arn.split(':')[6];
}
