import type { DeployedFunction, LambdaApi, Mapping } from '../../clients/lambda.ts';
import { ConfigError, RetriableError } from '../../core/errors.ts';
import { backoff, type Clock } from '../../core/retry.ts';
import { type Change, type Control, type Observation, type ObservedError, type RunState, worstState } from '../control.ts';

export interface LambdaControlOptions {
  readonly api: LambdaApi;
  readonly functionName: string;
  /** As it is tagged. */
  readonly connector: string;
  readonly clock: Clock;
}

/** Changed with each restart; that a function's environment changes is what makes Lambda start it anew. */
const restartVariable = 'SLUICE_RESTARTED_AT';
const pollMs = 1_000;
const busyPolicy = { baseMs: 500, capMs: 8_000 } as const;
const busyAttempts = 8;

const states: Readonly<Record<string, RunState>> = {
  Creating: 'starting',
  Enabling: 'starting',
  Enabled: 'running',
  Disabling: 'pausing',
  Disabled: 'paused',
  Updating: 'updating',
  Deleting: 'stopping',
};

/** A connector on AWS Lambda: its function and the event source mappings that call it. */
export function lambdaControl({ api, functionName, connector, clock }: LambdaControlOptions): Control {
  const deployed = async (): Promise<DeployedFunction> => {
    const found = await api.functionNamed(functionName);
    if (found === undefined)
      throw new ConfigError(
        'NOT_DEPLOYED',
        `There is no function ${functionName} in AWS Lambda. Deploy it with npx serverless deploy, or name another --stage.`,
      );
    const owner = found.tags['sluice:connector'];
    if (owner === connector) return found;
    throw new ConfigError(
      'NOT_DEPLOYED',
      owner === undefined
        ? `The function ${functionName} is not tagged as a connector. Deploy it again with plugins: [sluice/plugin].`
        : `The function ${functionName} is that of the connector ${owner}. Name the right one, or correct the name in serverless.yml.`,
    );
  };
  const triggers = async (): Promise<readonly Mapping[]> => {
    await deployed();
    const mappings = kafkaMappings(await api.mappings(functionName));
    if (mappings.length > 0) return mappings;
    throw new ConfigError('NOT_DEPLOYED', `No Kafka trigger calls ${functionName}. Deploy it again: npx serverless deploy`);
  };

  /** Asks again while another change is under way. */
  const unlessBusy = async (change: () => Promise<void>, signal: AbortSignal): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await change();
      } catch (error) {
        const isBusy = error instanceof RetriableError && (error.code === 'LAMBDA_BUSY' || error.code === 'LAMBDA_THROTTLED');
        if (!isBusy || attempt >= busyAttempts || signal.aborted) throw error;
        await clock.sleep(backoff(attempt, busyPolicy, clock.random), signal);
      }
    }
  };

  /** Enables or disables all triggers, then waits for AWS to have done it. */
  const turn = async (enabled: boolean, signal: AbortSignal): Promise<RunState> => {
    const wanted = enabled ? 'Enabled' : 'Disabled';
    const on = enabled ? ['Enabled', 'Enabling'] : ['Disabled', 'Disabling'];
    const mappings = await triggers();
    for (const { UUID: uuid = '', State: state = '' } of mappings)
      if (!on.includes(state)) await unlessBusy(() => api.enable(uuid, enabled), signal);
    for (;;) {
      const current = await Promise.all(mappings.map(({ UUID: uuid = '' }) => api.mapping(uuid)));
      const reached = current.every(({ State: state }) => state === wanted);
      if (reached || signal.aborted) return worstState(current.map(stateOf));
      await clock.sleep(pollMs, signal);
    }
  };

  return {
    platform: 'lambda',
    async status(): Promise<Observation> {
      const found = await api.functionNamed(functionName);
      if (found === undefined) return { platform: 'lambda', state: 'absent', instances: 0 };
      return observe(found, kafkaMappings(await api.mappings(functionName)));
    },
    async pause(signal): Promise<Change> {
      const state = await turn(false, signal);
      return state === 'paused'
        ? { state, isDone: true, message: 'Its triggers are disabled: nothing is delivered until it is resumed.' }
        : {
            state,
            isDone: false,
            message: 'AWS still disables its triggers, and may deliver until that is done. npx sluice status shows it.',
          };
    },
    async resume(signal): Promise<Change> {
      const state = await turn(true, signal);
      return state === 'running'
        ? { state, isDone: true, message: 'Its triggers deliver again, from where they stopped.' }
        : { state, isDone: false, message: 'AWS still enables its triggers, which takes a minute or two. npx sluice status shows it.' };
    },
    async restart(signal): Promise<Change> {
      const at = new Date(clock.now()).toISOString();
      await unlessBusy(async () => {
        // Read anew at each attempt: whatever made it fail may have changed the environment.
        const { Environment: environment, RevisionId: revision } = await deployed();
        if (environment?.Error !== undefined)
          throw new ConfigError(
            'AWS_FORBIDDEN',
            `The environment of ${functionName} cannot be read, and would be lost. Check who may decrypt with its key.`,
          );
        await api.setEnvironment(functionName, { ...environment?.Variables, [restartVariable]: at }, revision);
      }, signal);
      for (;;) {
        const { LastUpdateStatus: status, LastUpdateStatusReason: reason } = await deployed();
        if (status === 'Failed')
          throw new ConfigError('RESTART_FAILED', `AWS could not update ${functionName}: ${reason ?? 'no reason given'}`);
        if (status !== 'InProgress' || signal.aborted) break;
        await clock.sleep(pollMs, signal);
      }
      const state = worstState(kafkaMappings(await api.mappings(functionName)).map(stateOf));
      const message = `${restartVariable} was set, so Lambda starts new environments: they read secrets and open connections again. Invocations under way end in the old ones.`;
      return { state, isDone: true, message };
    },
  };
}

/** The group that a trigger reads in; undefined where AWS chose one. */
export function mappingGroup({
  SelfManagedKafkaEventSourceConfig: own,
  AmazonManagedKafkaEventSourceConfig: msk,
}: Mapping): string | undefined {
  return own?.ConsumerGroupId ?? msk?.ConsumerGroupId;
}

/** Of all that calls a function, the triggers of Kafka. */
export function kafkaMappings(mappings: readonly Mapping[]): readonly Mapping[] {
  return mappings.filter(({ Topics: topics = [] }) => topics.length > 0);
}

function stateOf({ State: state = '' }: Mapping): RunState {
  return states[state] ?? 'updating';
}

function observe(found: DeployedFunction, mappings: readonly Mapping[]): Observation {
  const lastError = brokenFunction(found) ?? brokenTrigger(mappings);
  const state = worstState(mappings.map(stateOf));
  const isFailing = lastError !== undefined && (state === 'running' || state === 'absent');
  return {
    platform: 'lambda',
    state: isFailing ? 'failing' : state,
    instances: mappings.length,
    ...(lastError === undefined ? {} : { lastError }),
  };
}

function brokenFunction({
  State: state,
  StateReason: reason,
  LastUpdateStatus: update,
  LastUpdateStatusReason: updateReason,
}: DeployedFunction) {
  if (state === 'Failed') return { code: 'FUNCTION_FAILED', message: reason ?? 'AWS could not create the function' };
  if (update === 'Failed') return { code: 'UPDATE_FAILED', message: updateReason ?? 'AWS could not update the function' };
  return undefined;
}

/** What AWS says of the last poll or invocation; its logs say more. */
function brokenTrigger(mappings: readonly Mapping[]): ObservedError | undefined {
  for (const { LastProcessingResult: result = '', State: state, StateTransitionReason: reason = '' } of mappings) {
    const problem = /^PROBLEM:\s*(.*)$/s.exec(result)?.[1];
    if (problem !== undefined) return { code: 'TRIGGER_PROBLEM', message: problem };
    if (state !== 'Disabled' && /fail|error|unable|cannot|denied/i.test(reason)) return { code: 'TRIGGER_PROBLEM', message: reason };
  }
  return undefined;
}
