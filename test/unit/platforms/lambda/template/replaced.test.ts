import { describe, expect, it } from 'vitest';
import { eventSourceMapping } from '../../../../../lib/platforms/lambda/template/mapping.ts';
import { type DeployedMapping, replacedMappings } from '../../../../../lib/platforms/lambda/template/replaced.ts';
import { cluster, mskArn, name, settings } from './support.ts';

const functionName = 'shop-prod-orders-to-pg';
const group = 'shop-prod-orders-to-pg-orders';
const deployed: DeployedMapping = {
  FunctionArn: `arn:aws:lambda:eu-west-1:123456789012:function:${functionName}`,
  ...{ Topics: ['orders'], StartingPosition: 'TRIM_HORIZON' },
  SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ['b2.example:9096', 'b1.example:9096'] } },
  SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: group },
};

function problems(trigger: object, { own = cluster, topic = 'orders' }: { own?: typeof cluster; topic?: string } = {}): string[] {
  const resource = eventSourceMapping({
    ...{ name, topic, cluster: own, dependsOn: [], tags: {} },
    settings: settings(trigger),
    functionArn: { 'Fn::GetAtt': ['F', 'Arn'] },
  });
  return replacedMappings([{ connector: name.connector, functionName, resource }], [deployed]).map(({ message }) => message);
}

describe('replacedMappings', () => {
  it('lets through what is changed in place, and what gets a group of its own', () => {
    expect(problems({})).toEqual([]);
    expect(problems({ batchSize: 7, pollers: { minimum: 1, maximum: 2 } })).toEqual([]);
    expect(problems({ startingPosition: 'LATEST', consumerGroup: 'other' })).toEqual([]);
    expect(problems({ topic: 'refunds' }, { topic: 'refunds' })).toEqual([]);
  });

  it.each([
    ['starting position', problems({ startingPosition: 'LATEST' }), 'startingPosition (TRIM_HORIZON before)'],
    ['topic', problems({ topic: 'refunds', consumerGroup: group }, { topic: 'refunds' }), 'the topic (orders before)'],
    ['brokers', problems({}, { own: { ...cluster, bootstrapServers: 'b3.example:9096' } }), 'the cluster'],
  ])('says that another %s needs another group', (_, messages, change) => {
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(`cannot change ${change}`);
    expect(messages[0]).toContain(group);
  });

  it('knows a function that has got another name', () => {
    const resource = { Type: '', Properties: { ...deployed } };
    const [problem] = replacedMappings([{ connector: 'new', functionName: 'shop-prod-new', resource }], [deployed]);
    expect(problem?.message).toContain(`the function (${functionName} before)`);
  });

  it('does not compare a cluster that only deployment knows', () => {
    const resource = { Type: '', Properties: { ...deployed, SelfManagedEventSource: undefined, EventSourceArn: { Ref: 'Cluster' } } };
    expect(replacedMappings([{ connector: 'a', functionName, resource }], [{ ...deployed, EventSourceArn: mskArn }])).toEqual([]);
  });
});
