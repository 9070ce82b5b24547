import { Type } from 'typebox';
import { brokersOf, clusterSchema } from '../clients/kafka/cluster-config.ts';
import { type Cluster, connectCluster } from '../clients/kafka.ts';
import { awsSecretStores, cachedSecrets } from '../clients/secrets.ts';
import { parseConfig } from '../core/config.ts';
import { ConfigError } from '../core/errors.ts';
import { isObject } from '../core/field.ts';
import { silentLog } from '../core/log.ts';

export interface OpenedCluster {
  readonly cluster: Cluster;
  /** The brokers, separated by commas. */
  readonly brokers: string;
}

/** `sluice.cluster` of serverless.yml, with other brokers where `--brokers` names some. */
export function clusterSettings(cluster: unknown, brokers: string | undefined): unknown {
  return brokers === undefined ? cluster : { ...(isObject(cluster) ? cluster : {}), bootstrapServers: brokers };
}

/** Reads the cluster's settings and secrets; connects when it is used. Throws a ConfigError that says what to set. */
export async function openCluster(settings: unknown, env: Readonly<Record<string, string | undefined>>): Promise<OpenedCluster> {
  if (settings === undefined)
    throw new ConfigError(
      'CONFIG_INVALID',
      'No Kafka is known. Set sluice.cluster.bootstrapServers in serverless.yml, or say --brokers host:port.',
    );
  const config = parseConfig(Type.Object({ cluster: clusterSchema }), { cluster: settings }, 'sluice').cluster;
  const secrets = cachedSecrets(awsSecretStores(env));
  return { cluster: await connectCluster(config, { secret: secrets.read, log: silentLog, env }), brokers: brokersOf(config).join(',') };
}
