import { describe, expect, it } from 'vitest';
import type { LambdaApi, Mapping } from '../../../../lib/clients/lambda.ts';
import { examineDeployed } from '../../../../lib/platforms/lambda/doctor.ts';
import { doctorEvent, isDoctorAnswer, isDoctorEvent } from '../../../../lib/platforms/lambda/doctor-event.ts';
import type { KafkaTriggerEvent } from '../../../../lib/platforms/lambda/event.ts';
import { lambdaHandler } from '../../../../lib/platforms/lambda/handler.ts';
import { memory } from '../../../../lib/sinks/memory.ts';

function handler() {
  let opened = 0;
  const settings = {
    ...{ service: 'shop', stage: 'test', name: 'orders' },
    connector: { trigger: { topic: 'orders' }, sink: { type: 'memory', name: 'doctor' } },
  };
  const handle = lambdaHandler({
    sink: memory,
    settings: () => settings,
    env: {},
    now: Date.now,
    print: () => undefined,
    open: async () => {
      opened++;
      throw new Error('a batch came');
    },
  });
  return { handle: (event: unknown) => handle(event as KafkaTriggerEvent, {}), opened: () => opened };
}

const answer = {
  ...{ sluice: 'doctor', connector: 'orders', mode: 'batch', groups: ['shop-test-orders-orders'] },
  checks: [{ name: 'target', state: 'failed', subject: 'postgres', detail: 'It did not answer in 8 s', fix: 'Look.', isUnreachable: true }],
};
const mapping: Mapping = {
  ...{ Topics: ['orders'], State: 'Enabled', LastProcessingResult: 'OK' },
  SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: 'shop-test-orders-orders' },
};

const examine = (
  payload: unknown,
  { functionError, mappings = [mapping] }: { functionError?: string; mappings?: readonly Mapping[] } = {},
) =>
  examineDeployed({
    functionName: 'shop-test-orders',
    connector: 'orders',
    api: {
      functionNamed: async () => ({ tags: { 'sluice:connector': 'orders' }, VpcConfig: { SubnetIds: ['subnet-1', 'subnet-2'] } }),
      mappings: async () => mappings,
      invoke: async () => ({ payload: JSON.stringify(payload), ...(functionError === undefined ? {} : { functionError }) }),
    } as Partial<LambdaApi> as LambdaApi,
  });

describe('the doctor in a function', () => {
  it('is answered with checks, without what delivers batches', async () => {
    const { handle, opened } = handler();
    const found: unknown = await handle({ ...doctorEvent });
    expect(isDoctorAnswer(found)).toBe(true);
    expect(found).toMatchObject({ connector: 'orders', mode: 'batch', groups: ['shop-test-orders-orders'] });
    expect(found).not.toHaveProperty('batchItemFailures');
    expect(JSON.stringify(found)).toContain('No Kafka is known');
    expect(opened()).toBe(0);
  });

  it.each([
    ['a batch', { eventSource: 'aws:kafka', bootstrapServers: 'b:9092', records: {} }],
    ['a batch that says doctor', { ...doctorEvent, eventSource: 'aws:kafka', bootstrapServers: 'b:9092', records: {} }],
    ['another word', { sluice: 'heal' }],
    ['nothing', null],
  ])('is not what %s is taken for', async (_, event) => {
    expect(isDoctorEvent(event)).toBe(false);
    const { handle } = handler();
    await expect(handle(event)).rejects.toThrow();
  });
});

describe('the doctor of a deployed function', () => {
  it('says which network a function is in that reaches nothing', async () => {
    const [check] = await examine(answer);
    expect(check?.fix).toBe(
      'The function is in subnets subnet-1, subnet-2, which need a route there: NAT or an endpoint for what is public. Look.',
    );
  });

  it.each([
    [
      'takes partial answers of a function that gives none',
      { FunctionResponseTypes: ['ReportBatchItemFailures' as const] },
      'records would be lost',
    ],
    ['reads in another group', { SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: 'other' } }, 'It reads in the group other'],
    ['cannot reach Kafka', { LastProcessingResult: 'PROBLEM: Connection error' }, 'PROBLEM: Connection error'],
  ])('finds a trigger that %s', async (_, difference, detail) => {
    const checks = await examine(answer, { mappings: [{ ...mapping, ...difference }] });
    expect(checks.at(-1)).toMatchObject({
      name: 'trigger',
      state: 'failed',
      detail: expect.stringContaining(detail),
      fix: expect.any(String),
    });
  });

  it('finds that nothing calls the function', async () => {
    expect((await examine(answer, { mappings: [] })).at(-1)).toMatchObject({
      state: 'failed',
      detail: 'No Kafka trigger calls the function',
    });
  });

  it.each([
    ['of an earlier version', { errorMessage: 'Expected the event to be one of Kafka. EVENT_MALFORMED' }, 'deployed by an earlier version'],
    ['that cannot start', { errorMessage: 'Cannot find module' }, 'Cannot find module'],
  ])('says of a function %s what to do', async (_, payload, detail) => {
    const [check] = await examine(payload, { functionError: 'Unhandled' });
    expect(check).toMatchObject({ name: 'function', state: 'failed', detail: expect.stringContaining(detail), fix: expect.any(String) });
  });
});
