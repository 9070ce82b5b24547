/** A service that uses what services use: an MSK cluster and resources that only deployment knows, a list of functions, parameters, handlers in JavaScript. */
export const shop = `
service: shop
frameworkVersion: '4'
plugins: [sluice/plugin]
params:
  default: { index: orders-dev }
  prod: { index: orders }
provider:
  name: aws
  runtime: nodejs24.x
  region: eu-west-1
  logRetentionInDays: 14
  environment: { STAGE: '\${sls:stage}' }
package: { patterns: ['!**', plain.js] }
sluice:
  cluster:
    bootstrapServers: { Ref: Cluster }
    auth: { type: msk-iam }
    vpc: { subnets: [{ Ref: Subnet }, subnet-0a1b2c3d], securityGroups: [{ 'Fn::GetAtt': [Brokers, GroupId] }] }
  alarms: { lag: 1000, deadLetters: 1, notify: [{ Ref: Alerts }] }
functions:
  - orders-to-lake:
      handler: functions/orders-to-lake.handler
      connector:
        trigger:
          topics: [orders, refunds]
          batchSize: 333
          startingPosition: AT_TIMESTAMP
          startingPositionTimestamp: 1760000000
          filterPatterns: [{ value: { kind: [order] } }]
          pollers: { minimum: 2, maximum: 4, group: shop }
          maximumRetryAttempts: 5
          bisectBatchOnFunctionError: true
          onFailure: { 'Fn::GetAtt': [Failed, Arn] }
          drainsOnOutage: true
          metrics: [EventCount, KafkaMetrics]
          logLevel: WARN
        sink: { type: object-storage, bucket: { Ref: Lake }, path: 'orders/dt={timestamp:yyyy-MM-dd}' }
        onError: { deadLetterTopic: orders.dlq }
    plain: { handler: plain.handler }
  - orders-to-search:
      handler: functions/orders-to-search.handler
      environment: { TEAM: '\${param:team}' }
      connector:
        trigger: { topic: orders }
        sink:
          type: elasticsearch
          node: '\${ssm:/shop/search}'
          index: '\${param:index}'
          apiKey: { secretsManager: { Ref: Key } }
resources:
  Parameters:
    Cluster: { Type: String, Default: 'arn:aws:kafka:eu-west-1:123456789012:cluster/shop/1b2c-3' }
    Key: { Type: String, Default: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:search-AbCdEf' }
  Resources:
    Vpc: { Type: AWS::EC2::VPC, Properties: { CidrBlock: 10.0.0.0/16 } }
    Subnet: { Type: AWS::EC2::Subnet, Properties: { VpcId: { Ref: Vpc }, CidrBlock: 10.0.0.0/24 } }
    Brokers: { Type: AWS::EC2::SecurityGroup, Properties: { GroupDescription: Brokers., VpcId: { Ref: Vpc } } }
    Alerts: { Type: AWS::SNS::Topic }
    Lake: { Type: AWS::S3::Bucket }
    Failed: { Type: AWS::SQS::Queue }
`;

export const shopFiles: Readonly<Record<string, string>> = {
  'serverless.yml': shop,
  'plain.js': "exports.handler = async () => 'plain';\n",
  'functions/orders-to-lake.js': `
import { connect } from 'sluice';
import { objectStorage } from 'sluice/sinks/object-storage';
export const handler = connect({ sink: objectStorage });
`,
  'functions/orders-to-search.mjs': `
import { connect } from 'sluice';
import { elasticsearch } from 'sluice/sinks/elasticsearch';
export const handler = connect({ sink: elasticsearch, transform: (record) => (record.value?.isTest ? null : record) });
`,
};
