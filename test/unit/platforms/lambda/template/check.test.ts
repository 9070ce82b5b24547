import { describe, expect, it } from 'vitest';
import { checkDeployment, collisions } from '../../../../../lib/platforms/lambda/template/check.ts';
import { cluster, msk, settings } from './support.ts';

const check = (trigger: object, over: Partial<Parameters<typeof checkDeployment>[0]> = {}) =>
  checkDeployment({ settings: settings(trigger), cluster, registry: undefined, timeoutSeconds: 120, ...over }).map(({ path }) => path);
const pollers = { pollers: { minimum: 1, maximum: 2 } };

describe('checkDeployment', () => {
  it('takes what works', () => {
    expect(check({})).toEqual([]);
    expect(check({ ...pollers, metrics: ['KafkaMetrics'], logLevel: 'INFO', bisectBatchOnFunctionError: true })).toEqual([]);
    expect(check({}, { cluster: msk })).toEqual([]);
  });

  it.each([
    ['maximumRetryAttempts', { maximumRetryAttempts: 3, drainsOnOutage: true }],
    ['maximumRecordAgeInSeconds', { maximumRecordAgeInSeconds: 600, drainsOnOutage: true }],
    ['bisectBatchOnFunctionError', { bisectBatchOnFunctionError: true }],
    ['logLevel', { logLevel: 'INFO' }],
    ['schemaRegistry', { schemaRegistry: { uri: 'https://registry.example' } }],
    ['metrics', { metrics: ['ErrorCount'] }],
    ['onFailure', { onFailure: 'kafka://failed', drainsOnOutage: true }],
  ])('refuses %s without pollers', (option, trigger) => {
    expect(check(trigger)).toEqual([`connector.trigger.${option}`]);
    expect(check({ ...trigger, ...pollers })).toEqual([]);
  });

  it.each([
    ['maximumRetryAttempts', { maximumRetryAttempts: 0 }],
    ['maximumRecordAgeInSeconds', { maximumRecordAgeInSeconds: 60 }],
    ['onFailure', { onFailure: 'arn:aws:sqs:eu-west-1:123456789012:failed' }],
  ])('refuses %s, which skips records during an outage, unless that was written down', (option, trigger) => {
    expect(check({ ...pollers, ...trigger })).toEqual([`connector.trigger.${option}`]);
    expect(check({ ...pollers, ...trigger, drainsOnOutage: true })).toEqual([]);
  });

  it('takes endless retries without a word', () => {
    expect(check({ ...pollers, maximumRetryAttempts: -1, maximumRecordAgeInSeconds: -1 })).toEqual([]);
  });

  it('refuses a failure destination among the inputs, and the dead letter topic as one', () => {
    const drains = { ...pollers, drainsOnOutage: true };
    expect(check({ ...drains, onFailure: 'kafka://orders' })).toEqual(['connector.trigger.onFailure']);
    expect(check({ ...drains, onFailure: 'kafka://orders.dlq' })).toEqual(['connector.trigger.onFailure']);
    expect(check({ ...drains, onFailure: 'kafka://others', maximumRetryAttempts: 11 })).toEqual(['connector.trigger.maximumRetryAttempts']);
  });

  it('refuses two registries, other filters than by value, and a timeout that the trigger does not wait for', () => {
    const registry = { ...pollers, schemaRegistry: { uri: 'https://registry.example' } };
    expect(check(registry, { registry: { url: 'https://registry.example' } })).toEqual(['connector.trigger.schemaRegistry']);
    expect(check({ filterPatterns: [{ key: ['a'] }] })).toEqual(['connector.trigger.filterPatterns[0].key']);
    expect(check({}, { timeoutSeconds: 841 })).toEqual(['timeout']);
    expect(check({}, { timeoutSeconds: 840 })).toEqual([]);
  });

  it('refuses credentials that pollers cannot read, brokers they cannot reach, and what MSK does not know', () => {
    const bootstrapServers = 'b1.example:9096';
    const paths = (own: Partial<typeof cluster>) => check({}, { cluster: { bootstrapServers, ...own } });
    expect(paths({ auth: { type: 'sasl-scram-512', secret: { ssm: '/kafka' } } })).toEqual(['sluice.cluster.auth.secret']);
    expect(paths({ auth: { type: 'sasl-plain', secret: { secretsManager: 'kafka' } } })).toEqual(['sluice.cluster.auth.secret']);
    expect(paths({ tls: { ca: '-----BEGIN CERTIFICATE-----' } })).toEqual(['sluice.cluster.tls.ca']);
    expect(paths({ bootstrapServers: 'localhost:9092' })).toEqual(['sluice.cluster.bootstrapServers']);
    expect(paths({ bootstrapServers: 'no port' })).toEqual(['sluice.cluster.bootstrapServers']);
    expect(check({}, { cluster: { ...msk, auth: { type: 'sasl-plain' } } })).toEqual(['sluice.cluster.auth.type']);
    expect(check({}, { cluster: undefined })).toEqual(['sluice.cluster']);
  });
});

it('collisions names the second connector of a group', () => {
  const groups = ['a', 'b', 'c'].map((connector) => ({ connector, group: connector === 'b' ? 'other' : 'same' }));
  expect(collisions(groups).map(({ path }) => path)).toEqual(['functions.c.connector.trigger.consumerGroup']);
});
