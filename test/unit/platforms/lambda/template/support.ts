import type { ClusterConfig } from '../../../../../lib/clients/kafka/cluster-config.ts';
import { type ConnectorSettings, parseSettings } from '../../../../../lib/core/settings.ts';

export const name = { service: 'shop', stage: 'prod', connector: 'orders-to-pg' };
export const secretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka-AbCdEf';
export const mskArn = 'arn:aws:kafka:eu-west-1:123456789012:cluster/shop/1b2c-3';

export const cluster: ClusterConfig = {
  bootstrapServers: 'b1.example:9096,b2.example:9096',
  auth: { type: 'sasl-scram-512', secret: { secretsManager: secretArn } },
  vpc: { subnets: ['subnet-1', 'subnet-2'], securityGroups: ['sg-1'] },
};
export const msk: ClusterConfig = { bootstrapServers: mskArn, auth: { type: 'msk-iam' } };

/** Settings with a trigger of these options. */
export function settings(trigger: object = {}, more: object = {}): ConnectorSettings {
  return parseSettings({
    trigger: { topic: 'orders', ...trigger },
    sink: { type: 'postgres' },
    onError: { deadLetterTopic: 'orders.dlq' },
    ...more,
  });
}
