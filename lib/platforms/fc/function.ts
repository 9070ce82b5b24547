import { AsyncLocalStorage } from 'node:async_hooks';
import { acknowledge } from '../../core/acknowledge.ts';
import type { BatchMeasurement, Connector } from '../../core/connector.ts';
import { ConfigError, ConnectorError, errorName, RetriableError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { SourceRecord } from '../../core/record.ts';
import type { CloudCredentials } from '../../core/sink.ts';
import { invocationLog, type LogParts, tellOfTrouble } from '../invocation-log.ts';
import { type FunctionSettings, namesOf, type ReadFunctionSettings, readFunctionSettings } from '../lambda/function-settings.ts';
import { batchMetrics, type InvocationMetrics, misconfigured } from '../lambda/metrics.ts';
import { readBatch } from './event.ts';

/** What a package carries for its function on Function Compute. */
export interface FcSettings extends FunctionSettings {
  /** The function's time limit. */
  readonly timeoutSeconds?: number;
}

/** The part of the service's requests that is used. */
export interface InvocationRequest {
  readonly requestId: string | undefined;
  /** Those of the function's role, new with each request. */
  readonly credentials: CloudCredentials | undefined;
  readonly body: Uint8Array;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface InvocationAnswer {
  readonly outcome: 'accepted' | 'failed' | 'busy';
  readonly body: Readonly<Record<string, string | number>>;
}

/** A connector, and whether its sink wants the batches one after the other. */
export interface OpenedFunction {
  readonly connector: Connector;
  readonly ordered: boolean;
}

export interface FunctionParts extends LogParts {
  /** Builds the connector; called once per instance, and again after it failed. */
  readonly open: (
    read: ReadFunctionSettings,
    environment: {
      readonly log: Log;
      readonly reportBatch: (batch: BatchMeasurement) => void;
      readonly credentials: () => CloudCredentials | undefined;
    },
  ) => Promise<OpenedFunction>;
  /** What was put at `settingsKey`. */
  readonly settings: () => unknown;
}

export interface FcFunction {
  /** Takes a batch as far as it goes. Accepts it only when nothing of it has to come again; never throws. */
  invoke(request: InvocationRequest): Promise<InvocationAnswer>;
  /** Builds the connector before the first batch, so that wrong settings are seen at once. */
  initialize(request: InvocationRequest): Promise<InvocationAnswer>;
  close(): Promise<void>;
}

/** What one invocation knows. */
interface Invocation {
  readonly requestId: string | undefined;
  readonly metrics: InvocationMetrics[];
  oldestRecordMs: number;
}

/** A call of the trigger ends after five minutes. What starting an instance took of them is not known here. */
const maxWorkMs = 285_000;
const defaultTimeoutSeconds = 120;

/** The function that Function Compute calls with a batch of its Kafka trigger, which takes all of it or nothing. */
export function fcFunction({ open, settings, env, now, print }: FunctionParts): FcFunction {
  const invocations = new AsyncLocalStorage<Invocation>();
  const log = invocationLog(() => invocations.getStore()?.requestId, { env, now, print });
  let credentials: CloudCredentials | undefined;
  let opening: Promise<OpenedFunction> | undefined;
  let batchesUnderWay = 0;

  const reportBatch = (batch: BatchMeasurement): void => {
    const invocation = invocations.getStore();
    invocation?.metrics.push(batchMetrics(batch, invocation.oldestRecordMs));
    tellOfTrouble(log, batch);
  };
  const opened = async (): Promise<OpenedFunction> => {
    // All are of the function's role: the newest live longest, whichever request a client works for.
    opening ??= open(readFunctionSettings(settings(), env), { log, reportBatch, credentials: () => credentials });
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };

  const deliver = async ({ body, signal }: InvocationRequest, from: number): Promise<InvocationAnswer> => {
    const { connector, ordered } = await opened();
    if (ordered && batchesUnderWay > 0) return busy;
    batchesUnderWay++;
    try {
      const batch = readBatch(body);
      const invocation = invocations.getStore();
      if (invocation !== undefined) invocation.oldestRecordMs = oldestRecordMs(batch, now());
      const settlement = await connector.process(batch, { mode: 'batch', deadline: from + workMs(settings()), signal });
      if (acknowledge(settlement).length > 0)
        throw new RetriableError('NOT_SETTLED', 'The batch was not settled as a whole, so nothing of it is acknowledged');
      return { outcome: 'accepted', body: { records: batch.length } };
    } finally {
      batchesUnderWay--;
    }
  };

  const run = async (request: InvocationRequest, work: () => Promise<InvocationAnswer>): Promise<InvocationAnswer> => {
    const invocation: Invocation = { requestId: request.requestId, metrics: [], oldestRecordMs: 0 };
    credentials = request.credentials ?? credentials;
    try {
      return await invocations.run(invocation, work);
    } catch (error) {
      const answer = failed(error);
      // Of a batch that got as far as the connector there is a line already.
      if (invocation.metrics.length === 0)
        invocations.run(invocation, () =>
          log.error('The batch was not accepted', { code: answer.body['errorType'], error: answer.body['errorMessage'] }),
        );
      if (error instanceof ConfigError && invocation.metrics.length === 0) invocation.metrics.push(misconfigured);
      return answer;
    } finally {
      for (const each of invocation.metrics) print(metricsLine(each, namesOf(settings()), request.requestId, now()));
    }
  };

  return {
    invoke(request) {
      const from = now();
      return run(request, () => deliver(request, from));
    },
    initialize: (request) =>
      run(request, async () => {
        await opened();
        return { outcome: 'accepted', body: {} };
      }),
    async close() {
      const last = opening;
      opening = undefined; // an instance that is frozen may be woken again
      await (await last?.catch(() => undefined))?.connector.close();
    },
  };
}

const busy: InvocationAnswer = {
  outcome: 'busy',
  body: {
    errorType: 'ONE_AT_A_TIME',
    errorMessage: 'This sink takes one batch after the other. Set instanceConcurrency and the concurrency of deliveryOption to 1.',
  },
};

function failed(error: unknown): InvocationAnswer {
  const body =
    error instanceof ConnectorError
      ? { errorType: error.code, errorMessage: error.message }
      : { errorType: 'UNEXPECTED', errorMessage: `The function failed with ${errorName(error)}` };
  return { outcome: 'failed', body };
}

function workMs(settings: unknown): number {
  const { timeoutSeconds = defaultTimeoutSeconds } = settings as FcSettings;
  return Math.min(timeoutSeconds * 1_000, maxWorkMs);
}

function oldestRecordMs(batch: readonly SourceRecord[], now: number): number {
  let oldest = now;
  for (const { timestamp } of batch) if (timestamp > 0 && timestamp < oldest) oldest = timestamp;
  return now - oldest;
}

/** One JSON line, for the log store to count and to alarm on. */
function metricsLine(metrics: InvocationMetrics, names: ReturnType<typeof namesOf>, requestId: string | undefined, now: number): string {
  const { service, stage, name: connector } = names ?? {};
  return JSON.stringify({
    time: new Date(now).toISOString(),
    level: 'info',
    message: 'metrics',
    requestId,
    service,
    stage,
    connector,
    ...metrics,
  });
}
