import { describe, expect, it } from 'vitest';
import type { DeployedFunction, LambdaApi, Mapping } from '../../../../lib/clients/lambda.ts';
import { RetriableError } from '../../../../lib/core/errors.ts';
import { lambdaControl } from '../../../../lib/platforms/lambda/control.ts';

const busy = () => new RetriableError('LAMBDA_BUSY', 'Another change of it is under way');
const signal = new AbortController().signal;

/** AWS as it is: a change is refused while another is under way, and takes a few looks to be done. */
function fakeLambda({
  states = ['Enabled'],
  tags = { 'sluice:connector': 'orders' } as Readonly<Record<string, string>>,
  refusals = 0,
  result = 'OK',
  looks = 2,
} = {}) {
  const environments: Readonly<Record<string, string>>[] = [];
  const mappings = states.map((state, index) => ({ UUID: String(index), State: state, Topics: ['orders'], left: 0, wanted: state }));
  let refusing = refusals;
  let isDeployed = true;
  let revision = 1;
  const refuse = (): void => {
    if (refusing-- > 0) throw busy();
  };
  const described = (mapping: (typeof mappings)[number]): Mapping => {
    if (mapping.left > 0 && --mapping.left === 0) mapping.State = mapping.wanted;
    return { UUID: mapping.UUID, State: mapping.State, Topics: mapping.Topics, LastProcessingResult: result };
  };
  const api: LambdaApi = {
    functionNamed: async (): Promise<DeployedFunction | undefined> =>
      isDeployed ? { tags, RevisionId: String(revision), Environment: { Variables: { TEAM: `data${revision}` } } } : undefined,
    mappings: async () => [{ UUID: 'sqs', State: 'Enabled' }, ...mappings.map(described)],
    async mapping(uuid) {
      const found = mappings.find((each) => each.UUID === uuid);
      if (found === undefined) throw new Error(`asked for ${uuid}`);
      return described(found);
    },
    async enable(uuid, enabled) {
      refuse();
      const found = mappings.find((each) => each.UUID === uuid);
      if (found === undefined) throw new Error(`changed ${uuid}`);
      Object.assign(found, { State: enabled ? 'Enabling' : 'Disabling', left: looks, wanted: enabled ? 'Enabled' : 'Disabled' });
    },
    async setEnvironment(_, variables, given) {
      if (refusing > 0) revision++; // somebody deployed in between
      refuse();
      if (given !== String(revision)) throw busy();
      environments.push(variables);
    },
    invoke: async () => ({ payload: '{}' }),
  };
  const slept: number[] = [];
  const control = lambdaControl({
    api,
    functionName: 'shop-dev-orders',
    connector: 'orders',
    clock: { now: () => 1_760_000_000_000, random: () => 0.5, sleep: async (ms) => void slept.push(ms) },
  });
  return {
    control,
    mappings,
    environments,
    slept,
    remove() {
      isDeployed = false;
    },
  };
}

describe('a connector on Lambda', () => {
  it('is paused once every one of its Kafka triggers is disabled', async () => {
    const { control, mappings, slept } = fakeLambda({ states: ['Enabled', 'Enabled'] });
    expect(await control.pause(signal)).toMatchObject({ state: 'paused', isDone: true });
    expect(mappings.map(({ State: state }) => state)).toEqual(['Disabled', 'Disabled']);
    expect(slept.length).toBeGreaterThan(0);
  });

  it('says that it is not done when nobody waits any more', async () => {
    const { control } = fakeLambda({ looks: 100 });
    expect(await control.pause(AbortSignal.abort())).toMatchObject({ state: 'pausing', isDone: false });
  });

  it('tries again while another change is under way, and gives up when that lasts', async () => {
    expect(await fakeLambda({ refusals: 3 }).control.resume(signal)).toMatchObject({ state: 'running' });
    expect(await fakeLambda({ states: ['Disabled'], refusals: 3 }).control.resume(signal)).toMatchObject({
      state: 'running',
      isDone: true,
    });
    await expect(fakeLambda({ refusals: 100 }).control.pause(signal)).rejects.toThrow('under way');
  });

  it('is restarted by a variable beside those that are there at that moment', async () => {
    const { control, environments } = fakeLambda({ refusals: 1 });
    await control.restart(signal);
    expect(environments).toEqual([{ TEAM: 'data2', SLUICE_RESTARTED_AT: '2025-10-09T08:53:20.000Z' }]);
  });

  it.each([
    [['Enabled'], 'OK', 'running'],
    [['Enabled', 'Disabled'], 'OK', 'partly paused'],
    [['Disabled'], 'OK', 'paused'],
    [['Disabling'], 'OK', 'pausing'],
    [['Creating'], '', 'starting'],
    [['Enabled'], 'PROBLEM: Function call failed', 'failing'],
    [['Enabled'], 'No records processed', 'running'],
  ])('with triggers %j that said %j it is %s', async (states, result, state) => {
    expect(await fakeLambda({ states, result }).control.status()).toMatchObject({ platform: 'lambda', state });
  });

  it('says what the trigger said last', async () => {
    const { lastError } = await fakeLambda({ result: 'PROBLEM: Function call failed' }).control.status();
    expect(lastError).toEqual({ code: 'TRIGGER_PROBLEM', message: 'Function call failed' });
  });

  it('is absent before it is deployed, and cannot be steered then', async () => {
    const { control, remove } = fakeLambda();
    remove();
    expect(await control.status()).toMatchObject({ state: 'absent' });
    await expect(control.pause(signal)).rejects.toThrow('Deploy it with npx serverless deploy, or name another --stage.');
  });

  it('is never a function that is not tagged as this connector', async () => {
    await expect(fakeLambda({ tags: {} }).control.pause(signal)).rejects.toThrow('is not tagged as a connector');
    const other = fakeLambda({ tags: { 'sluice:connector': 'refunds' } });
    await expect(other.control.restart(signal)).rejects.toThrow('is that of the connector refunds');
    expect(other.environments).toEqual([]);
  });
});
