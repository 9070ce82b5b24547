import { describe, expect, it } from 'vitest';
import type { Statement } from '../../../../../lib/platforms/lambda/template/resources.ts';
import { functionRole, type RoleOptions } from '../../../../../lib/platforms/lambda/template/role.ts';
import { cluster, msk, mskArn, secretArn, settings } from './support.ts';

function statements(over: Partial<RoleOptions> = {}): readonly Statement[] {
  const role = functionRole({
    functionName: 'shop-prod-orders-to-pg',
    settings: settings(),
    cluster: { bootstrapServers: 'b1.example:9092' },
    ...{ sinkPermissions: [], secrets: [], groups: ['g'], topics: ['orders'], producesTo: [], isInVpc: false, kmsKeys: [], tags: {} },
    ...over,
  });
  const [policy] = role.Properties['Policies'] as [{ readonly PolicyDocument: { readonly Statement: readonly Statement[] } }];
  return policy.PolicyDocument.Statement;
}
const actions = (over: Partial<RoleOptions> = {}) => statements(over).flatMap(({ Action }) => Action);

describe('functionRole', () => {
  it('allows nothing but its own log without a reason for more', () => {
    expect(actions()).toEqual(['logs:CreateLogStream', 'logs:PutLogEvents']);
  });

  it('allows each secret by its name, and those that the trigger reads', () => {
    const secrets = [{ ssm: '/shop/pg' }, { secretsManager: 'shop/es', field: 'password' }, { env: 'PLAIN' }];
    expect(statements({ secrets, cluster }).slice(1, 3)).toEqual([
      {
        Effect: 'Allow',
        Action: ['ssm:GetParameter'],
        // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own variables
        Resource: [{ 'Fn::Sub': 'arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/shop/pg' }],
      },
      {
        Effect: 'Allow',
        Action: ['secretsmanager:GetSecretValue'],
        Resource: [
          // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own variables
          { 'Fn::Sub': 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:shop/es-??????' },
          secretArn,
        ],
      },
    ]);
  });

  it('allows what the sink asks for, and keys only when they were named', () => {
    const put = { actions: ['s3:PutObject'], resources: ['arn:aws:s3:::lake/orders/*'] };
    expect(statements({ sinkPermissions: [put] })).toContainEqual({ Effect: 'Allow', Action: put.actions, Resource: put.resources });
    expect(actions({ kmsKeys: ['arn:aws:kms:eu-west-1:123456789012:key/1'] })).toContain('kms:Decrypt');
  });

  it('of MSK with IAM reads its topics in its groups and writes its dead letters, by name', () => {
    const found = statements({ cluster: msk, producesTo: ['orders.dlq'] });
    const of = (action: string) => found.find(({ Action }) => Action.includes(action))?.Resource;
    expect(of('kafka-cluster:Connect')).toEqual([mskArn]);
    expect(of('kafka-cluster:ReadData')).toEqual(['arn:aws:kafka:eu-west-1:123456789012:topic/shop/1b2c-3/orders']);
    expect(of('kafka-cluster:AlterGroup')).toEqual(['arn:aws:kafka:eu-west-1:123456789012:group/shop/1b2c-3/g']);
    expect(of('kafka-cluster:WriteData')).toEqual(['arn:aws:kafka:eu-west-1:123456789012:topic/shop/1b2c-3/orders.dlq']);
    expect(of('ec2:CreateNetworkInterface')).toEqual(['*']);
  });

  it.each([
    ['arn:aws:sqs:eu-west-1:123456789012:failed', ['sqs:SendMessage']],
    ['arn:aws:sns:eu-west-1:123456789012:failed', ['sns:Publish']],
    ['arn:aws:s3:::failed', ['s3:PutObject', 's3:ListBucket']],
    ['kafka://failed', []],
  ])('may send failures to %s', (onFailure, expected) => {
    expect(actions({ settings: settings({ onFailure, pollers: {}, drainsOnOutage: true }) }).slice(2)).toEqual(expected);
  });
});
