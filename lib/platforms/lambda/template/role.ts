import type { ClusterConfig } from '../../../clients/kafka/cluster-config.ts';
import { isObject } from '../../../core/field.ts';
import type { SecretReference } from '../../../core/secret.ts';
import type { ConnectorSettings } from '../../../core/settings.ts';
import { mskArn, sourceAccess } from './cluster.ts';
import { allow, type Resource, type Statement, type Value } from './resources.ts';

/** A permission of a sink, on resources that may be known at deployment only. */
export interface DeployedPermission {
  readonly actions: readonly string[];
  readonly resources: readonly Value[];
}

export interface RoleOptions {
  /** The function's name as AWS knows it. */
  readonly functionName: string;
  readonly settings: ConnectorSettings;
  readonly cluster: ClusterConfig;
  /** What the sink's definition asks for. */
  readonly sinkPermissions: readonly DeployedPermission[];
  /** Every secret that the function reads when it starts. */
  readonly secrets: readonly SecretReference[];
  readonly groups: readonly string[];
  readonly topics: readonly string[];
  /** Topics that the function produces to with the cluster's own credentials, e.g. of dead letters. */
  readonly producesTo: readonly string[];
  readonly isInVpc: boolean;
  /** Keys of the operator's own that secrets are encrypted with. */
  readonly kmsKeys: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** The role of one function: what its sink, its secrets, its trigger and its dead letters need, and nothing else. */
export function functionRole(options: RoleOptions): Resource {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
      Policies: [{ PolicyName: 'connector', PolicyDocument: { Version: '2012-10-17', Statement: statements(options) } }],
      Tags: Object.entries(options.tags).map(([Key, Value]) => ({ Key, Value })),
    },
  };
}

function statements(options: RoleOptions): Statement[] {
  const { functionName, sinkPermissions, secrets, kmsKeys, settings, isInVpc, cluster } = options;
  const { onFailure, schemaRegistry } = settings.trigger;
  return [
    allow(
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      [sub(`logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/${functionName}:*`)],
    ),
    ...sinkPermissions.map(({ actions, resources }) => allow(actions, resources)),
    ...secretStatements(secrets, sourceSecrets(cluster, settings)),
    ...(kmsKeys.length === 0 ? [] : [allow(['kms:Decrypt'], kmsKeys)]),
    // Lambda makes the network interfaces of pollers and function with this role; these actions know no narrower resource.
    ...(isInVpc || mskArn(cluster) !== undefined ? [allow(networkActions, ['*'])] : []),
    ...mskStatements(options),
    ...(onFailure === undefined ? [] : failureStatements(onFailure as Value)),
    ...(schemaRegistry?.uri.startsWith('arn:') ? [allow(['glue:GetRegistry', 'glue:GetSchemaVersion'], ['*'])] : []),
  ];
}

const networkActions = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeVpcs',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeSubnets',
  'ec2:DescribeSecurityGroups',
];

/** An ARN of the deployment's own partition, region and account. */
function sub(rest: string): Value {
  return { 'Fn::Sub': `arn:\${AWS::Partition}:${rest}` };
}

function secretStatements(references: readonly SecretReference[], arns: readonly Value[]): Statement[] {
  const parameters = references.flatMap((reference) =>
    'ssm' in reference ? [sub(`ssm:\${AWS::Region}:\${AWS::AccountId}:parameter/${reference.ssm.replace(/^\//, '')}`)] : [],
  );
  const named: Value[] = references.flatMap((reference) => ('secretsManager' in reference ? [reference.secretsManager] : []));
  const secrets = unique([...named, ...arns]).map((name) =>
    typeof name !== 'string' || name.startsWith('arn:')
      ? name
      : sub(`secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:${name}-??????`),
  );
  return [
    ...(parameters.length === 0 ? [] : [allow(['ssm:GetParameter'], unique(parameters))]),
    ...(secrets.length === 0 ? [] : [allow(['secretsmanager:GetSecretValue'], secrets)]),
  ];
}

/** The secrets that the trigger itself reads, with the function's role. */
function sourceSecrets(cluster: ClusterConfig, { trigger }: ConnectorSettings): Value[] {
  const secret = trigger.schemaRegistry?.auth?.secret;
  const isNetwork = (type: string): boolean => type === 'VPC_SUBNET' || type === 'VPC_SECURITY_GROUP';
  return [
    ...sourceAccess(cluster).access.flatMap(({ Type: type, URI: uri }) =>
      uri !== undefined && !isNetwork(type) && (isObject(uri) || uri.startsWith('arn:')) ? [uri] : [],
    ),
    ...(secret !== undefined && 'secretsManager' in secret ? [secret.secretsManager] : []),
  ];
}

function mskStatements({ cluster, topics, groups, producesTo }: RoleOptions): Statement[] {
  const arn = mskArn(cluster);
  if (arn === undefined) return [];
  const describe = allow(['kafka:DescribeCluster', 'kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers'], [arn]);
  if (cluster.auth?.type !== 'msk-iam') return [describe];
  return [
    describe,
    allow(['kafka-cluster:Connect', 'kafka-cluster:DescribeClusterDynamicConfiguration'], [arn]),
    allow(['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'], within(arn, 'topic', topics)),
    allow(['kafka-cluster:DescribeGroup', 'kafka-cluster:AlterGroup'], within(arn, 'group', groups)),
    ...(producesTo.length === 0
      ? []
      : [
          allow(
            ['kafka-cluster:DescribeTopic', 'kafka-cluster:DescribeTopicDynamicConfiguration', 'kafka-cluster:WriteData'],
            within(arn, 'topic', producesTo),
          ),
        ]),
  ];
}

/** `arn:…:cluster/NAME/UUID` becomes `arn:…:topic/NAME/UUID/ORDERS`. */
function within(cluster: Value, kind: 'topic' | 'group', names: readonly string[]): Value[] {
  if (typeof cluster === 'string') return names.map((name) => `${cluster.replace(':cluster/', `:${kind}/`)}/${name}`);
  const beginning = { 'Fn::Join': [`:${kind}/`, { 'Fn::Split': [':cluster/', cluster] }] };
  return names.map((name) => ({ 'Fn::Join': ['/', [beginning, name]] }));
}

function failureStatements(destination: Value): Statement[] {
  if (isObject(destination))
    // Which service it is, only deployment knows.
    return [
      allow(['sqs:SendMessage', 'sns:Publish', 's3:ListBucket'], [destination]),
      allow(['s3:PutObject'], [{ 'Fn::Join': ['', [destination, '/*']] }]),
    ];
  const [, , service] = destination.split(':');
  if (service === 'sqs') return [allow(['sqs:SendMessage'], [destination])];
  if (service === 'sns') return [allow(['sns:Publish'], [destination])];
  if (service === 's3') return [allow(['s3:PutObject'], [`${destination}/*`]), allow(['s3:ListBucket'], [destination])];
  return []; // kafka://TOPIC is written with the trigger's own credentials
}

function unique(values: readonly Value[]): Value[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
