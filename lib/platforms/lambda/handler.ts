import { AsyncLocalStorage } from 'node:async_hooks';
import middy from '@middy/core';
import type { BatchMeasurement, Connector } from '../../core/connector.ts';
import { ConfigError, RetriableError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import type { Log } from '../../core/log.ts';
import type { SinkDefinition } from '../../core/sink.ts';
import { invocationLog, tellOfTrouble } from '../invocation-log.ts';
import { type DoctorAnswer, examine, isDoctorEvent } from './doctor-event.ts';
import { type KafkaTriggerEvent, type KafkaTriggerResponse, readBatch, toResponse } from './event.ts';
import { namesOf, type ReadFunctionSettings, readFunctionSettings } from './function-settings.ts';
import { batchMetrics, embeddedMetrics, type InvocationMetrics, misconfigured } from './metrics.ts';

/** The part of Lambda's context that is used. */
export interface InvocationContext {
  readonly awsRequestId?: string;
  readonly getRemainingTimeInMillis?: () => number;
}

export type KafkaHandler = (event: KafkaTriggerEvent, context?: InvocationContext) => Promise<KafkaTriggerResponse>;

export interface HandlerParts {
  /** Builds the connector; called once per instance, and again after it failed. */
  readonly open: (
    read: ReadFunctionSettings,
    environment: { readonly log: Log; readonly reportBatch: (batch: BatchMeasurement) => void },
  ) => Promise<Connector>;
  /** The function's sink, which the doctor looks into; without one it says so. */
  readonly sink?: SinkDefinition;
  /** What was put at `settingsKey`. */
  readonly settings: () => unknown;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
}

/** What one invocation knows; a warm instance may have several under way. */
interface Invocation {
  readonly requestId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly metrics: InvocationMetrics[];
  oldestRecordMs: number;
}

interface Instance {
  readonly read: ReadFunctionSettings;
  readonly connector: Connector;
}

/** Without a context nobody takes the batch away: time enough for the retries. */
const unlimitedMs = 120_000;
/** The doctor answers before the function's time is over. */
const doctorReserveMs = 1_000;

/**
 * The function that Lambda calls with a batch. It answers with what `acknowledge` said, or throws: no other answer ever leaves it,
 * because Lambda takes silence for success. Opens the connector at the first batch and keeps it.
 */
export function lambdaHandler({ open, sink, settings, env, now, print }: HandlerParts): KafkaHandler {
  const invocations = new AsyncLocalStorage<Invocation>();
  const ours = new WeakSet<object>(); // answers made by `toResponse`
  let opening: Promise<Instance> | undefined;
  let bootstrapServers: string | undefined; // as the last batch named them

  const log = invocationLog(() => invocations.getStore()?.requestId, { env, now, print });
  const openOnce = async (event: KafkaTriggerEvent): Promise<Instance> => {
    const read = withBrokers(readFunctionSettings(settings(), env), event.bootstrapServers);
    const reportBatch = (batch: BatchMeasurement): void => {
      const invocation = invocations.getStore();
      invocation?.metrics.push(batchMetrics(batch, invocation.oldestRecordMs));
      tellOfTrouble(log, batch);
    };
    return { read, connector: await open(read, { log, reportBatch }) };
  };
  const instance = async (event: KafkaTriggerEvent): Promise<Instance> => {
    opening ??= openOnce(event);
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };

  const deliverBatch = async (event: KafkaTriggerEvent): Promise<KafkaTriggerResponse> => {
    const invocation = invocations.getStore();
    const { read, connector } = await instance(event);
    bootstrapServers = event.bootstrapServers;
    if (invocation !== undefined) invocation.oldestRecordMs = oldestRecordMs(event, now());
    const settlement = await connector.process(readBatch(event), {
      mode: read.mode,
      deadline: invocation?.deadline ?? now() + unlimitedMs,
    });
    const response = toResponse(settlement, event);
    ours.add(response);
    return response;
  };

  /** Beside what delivers: it opens nothing that batches use. */
  const answerDoctor = async (remainingMs: number): Promise<DoctorAnswer> => {
    const read = readFunctionSettings(settings(), env);
    if (sink === undefined)
      throw new ConfigError('FUNCTION_UNUSABLE', 'The function was made without a sink. Export the result of connect().');
    const signal = AbortSignal.timeout(Math.max(0, remainingMs - doctorReserveMs));
    return await examine(withBrokers(read, bootstrapServers), sink, { env, signal });
  };

  const flush = async (): Promise<void> => {
    const { metrics = [] } = invocations.getStore() ?? {};
    const { service, stage, name } = namesOf(settings()) ?? unnamed(env);
    for (const each of metrics) print(embeddedMetrics(each, { service, stage, connector: name }, now()));
  };

  // Its early answer stays off: an answer before the batch is settled would commit it.
  const wrapped = middy<KafkaTriggerEvent, KafkaTriggerResponse>(deliverBatch, { timeoutEarlyInMillis: 0 }).use({
    after: flush,
    onError: async ({ error }) => {
      const invocation = invocations.getStore();
      if (error instanceof ConfigError && invocation?.metrics.length === 0) invocation.metrics.push(misconfigured);
      await flush();
    },
  });

  return async (event, context = {}) => {
    const remainingMs = context.getRemainingTimeInMillis?.() ?? unlimitedMs;
    // No trigger sends it, so nothing takes the answer for an acknowledgement.
    if (isDoctorEvent(event)) return (await answerDoctor(remainingMs)) as unknown as KafkaTriggerResponse;
    const invocation: Invocation = { requestId: context.awsRequestId, deadline: now() + remainingMs, metrics: [], oldestRecordMs: 0 };
    const call = wrapped as unknown as (event: KafkaTriggerEvent, context: InvocationContext) => Promise<unknown>;
    const response = await invocations.run(invocation, () => call(event, context));
    if (isOurs(response, ours)) return response;
    throw new RetriableError('NOT_SETTLED', 'The invocation ended without an answer of its own, so nothing of the batch is acknowledged');
  };
}

/** A cluster of Amazon MSK is known by its ARN; its brokers, of the listener that the trigger uses, come with each event. */
function withBrokers(read: ReadFunctionSettings, bootstrapServers: string | undefined): ReadFunctionSettings {
  const { cluster } = read;
  if (
    bootstrapServers === undefined ||
    !isObject(cluster) ||
    typeof cluster['bootstrapServers'] !== 'string' ||
    !cluster['bootstrapServers'].startsWith('arn:')
  )
    return read;
  return { ...read, cluster: { ...cluster, bootstrapServers } };
}

/** Records of a partition come in order, so the first of each is old enough. */
function oldestRecordMs({ records }: KafkaTriggerEvent, now: number): number {
  const firsts = Object.values(records ?? {}).flatMap(([first]) => (first !== undefined && first.timestamp > 0 ? [first.timestamp] : []));
  return firsts.length === 0 ? 0 : Math.max(0, now - Math.min(...firsts));
}

function isOurs(response: unknown, ours: WeakSet<object>): response is KafkaTriggerResponse {
  return typeof response === 'object' && response !== null && ours.has(response);
}

/** CloudWatch refuses metrics whose dimensions are empty. */
function unnamed(env: HandlerParts['env']): { service: string; stage: string; name: string } {
  return { service: 'unknown', stage: 'unknown', name: env['AWS_LAMBDA_FUNCTION_NAME'] || 'unknown' };
}
