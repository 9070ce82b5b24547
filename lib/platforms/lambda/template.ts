import type { ClusterConfig } from '../../clients/kafka/cluster-config.ts';
import { type ConnectorName, triggerGroup } from '../../core/consumer-group.ts';
import type { SecretReference } from '../../core/secret.ts';
import { type ConnectorSettings, deadLetterTopicOf, topicsOf } from '../../core/settings.ts';
import { type Alarms, connectorAlarms } from './template/alarms.ts';
import { eventSourceMapping } from './template/mapping.ts';
import { logicalId, type Resources } from './template/resources.ts';
import { type DeployedPermission, functionRole } from './template/role.ts';

export interface DeployedConnector {
  readonly name: ConnectorName;
  /** The function's name as AWS knows it, and its identifier in the template. */
  readonly functionName: string;
  readonly functionLogicalId: string;
  readonly settings: ConnectorSettings;
  readonly cluster: ClusterConfig;
  readonly sinkPermissions: readonly DeployedPermission[];
  readonly secrets: readonly SecretReference[];
  readonly alarms: Alarms | undefined;
  readonly kmsKeys: readonly string[];
}

/** The identifier of the role of a connector's function. */
export function roleLogicalId(connector: string): string {
  return `${logicalId(connector)}ConnectorRole`;
}

/** The tags by which connectors are found again. */
export function connectorTags({ service, stage, connector }: ConnectorName): Readonly<Record<string, string>> {
  return { 'sluice:service': service, 'sluice:stage': stage, 'sluice:connector': connector };
}

/** Everything a connector needs in the template besides its function: a mapping for each topic, a role, alarms. */
export function connectorResources(deployed: DeployedConnector): Resources {
  const { name, settings, cluster, functionName, functionLogicalId, sinkPermissions, secrets, alarms, kmsKeys } = deployed;
  const topics = topicsOf(settings);
  const tags = connectorTags(name);
  const role = roleLogicalId(name.connector);
  const letters = deadLetterTopicOf(settings);
  const mappings = topics.map((topic) => [
    `${logicalId(name.connector, topic)}Mapping`,
    eventSourceMapping({
      ...{ name, topic, settings, cluster, tags },
      functionArn: { 'Fn::GetAtt': [functionLogicalId, 'Arn'] },
      dependsOn: [role],
    }),
  ]);
  return {
    [role]: functionRole({
      ...{ functionName, settings, cluster, sinkPermissions, secrets, topics, kmsKeys, tags },
      groups: topics.map((topic) => triggerGroup(name, settings, topic)),
      producesTo: letters === undefined ? [] : [letters],
      isInVpc: cluster.vpc !== undefined,
    }),
    ...Object.fromEntries(mappings),
    ...(alarms === undefined ? {} : connectorAlarms(name, functionName, alarms)),
  };
}
