import { afterAll, describe, expect, it } from 'vitest';
import { deployableService, serverless } from '../support/serverless.ts';
import { shopFiles } from '../support/shop.ts';

/** A service with one connector whose block is this. */
const service = (connector: string, more = '') => `
service: shop
frameworkVersion: '4'
plugins: [sluice/plugin]
provider: { name: aws, runtime: nodejs24.x, region: eu-west-1 }
sluice: { cluster: { bootstrapServers: b1.example:9092 } }
functions:
  search:
    handler: functions/orders-to-search.handler
    connector: ${connector}
    ${more}
`;
const env = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

describe('serverless package', async () => {
  const folder = await deployableService(shopFiles);
  afterAll(() => folder.remove());

  it.each([
    [
      'what is misspelled, and what only pollers have',
      service('{ trigger: { topic: orders, batchsize: 5 }, sink: { type: elasticsearch } }'),
      ['functions.search.connector.trigger.batchsize', 'Did you mean "batchSize"?'],
    ],
    [
      'an intrinsic function where the value has to be known, another sink, a secret of the environment, and a timeout beyond the trigger',
      service(
        '{ trigger: { topic: orders }, sink: { type: elasticsearch, node: https://es.example, index: { Ref: Index }, apiKey: { env: ES_KEY } } }',
      ),
      [
        'functions.search.connector.sink.index\n    connector.sink.index has to be known before deployment',
        'functions.search.connector.sink.apiKey\n    A deployed function has no ES_KEY of its own',
        'Set the option to { ssm: name } or { secretsManager: arn, field } for stage dev.',
      ],
    ],
    [
      'a trigger that would lose records, and a function that runs longer than its trigger waits',
      service('{ trigger: { topic: orders, maximumRetryAttempts: 3 }, sink: { type: elasticsearch } }', 'timeout: 841'),
      [
        'functions.search.timeout\n',
        'Set timeout to 840 or less.',
        'Only provisioned mode has maximumRetryAttempts',
        'drainsOnOutage: true',
      ],
    ],
  ])('refuses %s, in one message without a stack', async (_, yaml, said) => {
    await folder.write('serverless.yml', yaml);
    const { code, output } = await serverless(folder.path, ['package'], env);
    expect(code).toBe(1);
    for (const text of said) expect(output).toContain(text);
    expect(output).not.toMatch(/^\s+at /m);
  });
});
