import { describe, expect, it } from 'vitest';
import type { Connector } from '../../../../lib/core/connector.ts';
import { ConfigError, DataError, RetriableError } from '../../../../lib/core/errors.ts';
import { settle } from '../../../../lib/core/settle.ts';
import type { Outcome } from '../../../../lib/core/sink.ts';
import { type FunctionParts, fcFunction, type InvocationRequest } from '../../../../lib/platforms/fc/function.ts';
import { eventOf, framings } from '../../../support/fc-events.ts';
import { sourceRecord } from '../../../support/records.ts';

const down = new RetriableError('SINK_UNAVAILABLE', 'The target is down');
const records = [1, 2].map((offset) => sourceRecord('k', '{}', { offset, timestamp: 400 }));
const body = eventOf(framings['CloudEvents as objects'](records));
const request: InvocationRequest = { requestId: 'r-1', credentials: undefined, body, signal: new AbortController().signal };
const measured = { records: 2, delivered: 2, ignored: 0, dropped: 0, deadLettered: 0, skipped: 0, redelivered: 0, ms: 5 };

/** A function over a connector that answers with the given outcomes. */
function start({
  outcomes = [] as readonly Outcome[],
  ordered = true,
  trigger = {} as object,
  timeoutSeconds = 120,
  process = undefined as Connector['process'] | undefined,
  open = undefined as FunctionParts['open'] | undefined,
} = {}) {
  const lines: string[] = [];
  const modes: string[] = [];
  const deadlines: number[] = [];
  let opened = 0;
  let closed = 0;
  const settings = {
    ...{ service: 'shop', stage: 'test', name: 'orders-to-memory', timeoutSeconds },
    connector: { trigger: { topic: 'orders', ...trigger }, sink: { type: 'memory' } },
  };
  const fn = fcFunction({
    settings: () => settings,
    env: {},
    now: () => 1_000,
    print: (line) => lines.push(line),
    open:
      open ??
      (async (_read, { reportBatch }) => {
        opened++;
        const connector: Connector = {
          name: 'orders-to-memory',
          probe: async () => undefined,
          close: async () => void closed++,
          process:
            process ??
            (async (batch, { mode, deadline }) => {
              modes.push(mode);
              deadlines.push(deadline);
              reportBatch(measured);
              const deliveries = batch.map((source, index) => ({ source, outcome: outcomes[index] ?? ('delivered' as const) }));
              return settle(deliveries, { mode, dataErrors: 'block' });
            }),
        };
        return { connector, ordered };
      }),
  });
  const logged = () => lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  return { fn, logged, modes, deadlines, opened: () => opened, closed: () => closed };
}

describe('a function on Function Compute', () => {
  it('accepts a batch of which nothing has to come again', async () => {
    expect(await start({ outcomes: ['ignored'] }).fn.invoke(request)).toEqual({ outcome: 'accepted', body: { records: 2 } });
    expect(await start().fn.invoke({ ...request, body: Buffer.from('[]') })).toEqual({ outcome: 'accepted', body: { records: 0 } });
  });

  it.each([
    ['retriable', down],
    ['config', new ConfigError('SINK_MISCONFIGURED', 'The table does not exist.')],
    ['data', new DataError('SINK_REJECTED_RECORD', 'The target refused the record')],
  ])('accepts nothing of a batch with a %s error', async (_, error) => {
    expect(await start({ outcomes: ['delivered', error] }).fn.invoke(request)).toEqual({
      outcome: 'failed',
      body: { errorType: error.code, errorMessage: error.message },
    });
  });

  it('takes a batch as a whole, whatever its settings say', async () => {
    const { fn, modes } = start({ trigger: { pollers: {} }, outcomes: [down] });
    expect(await fn.invoke(request)).toMatchObject({ outcome: 'failed' });
    expect(modes).toEqual(['batch']);
  });

  it('accepts no settlement that was not made for whole batches', async () => {
    const process: Connector['process'] = async (batch) =>
      settle(
        batch.map((source) => ({ source, outcome: down })),
        { mode: 'partial', dataErrors: 'block' },
      );
    expect(await start({ process }).fn.invoke(request)).toMatchObject({ outcome: 'failed', body: { errorType: 'NOT_SETTLED' } });
  });

  it('accepts nothing when its connector breaks, and says no more than how', async () => {
    const process: Connector['process'] = async () => {
      throw new TypeError('secret');
    };
    const { fn, logged } = start({ process });
    expect(await fn.invoke(request)).toEqual({
      outcome: 'failed',
      body: { errorType: 'UNEXPECTED', errorMessage: 'The function failed with TypeError' },
    });
    expect(JSON.stringify(logged())).not.toContain('secret');
  });

  it('accepts no event that it does not understand, and counts it as something to be changed', async () => {
    const { fn, logged } = start();
    expect(await fn.invoke({ ...request, body: Buffer.from('["text"]') })).toMatchObject({ body: { errorType: 'EVENT_WITHOUT_OFFSETS' } });
    expect(logged().at(-1)).toMatchObject({ message: 'metrics', configErrors: 1, records: 0 });
  });

  it('opens its connector once, again after that failed, and again after it was closed', async () => {
    const { fn, opened, closed } = start();
    await fn.initialize(request);
    await fn.invoke(request);
    expect(opened()).toBe(1);
    await fn.close();
    await fn.invoke(request);
    expect([opened(), closed()]).toEqual([2, 1]);

    let tries = 0;
    const failing = start({
      open: async () => {
        tries++;
        throw new ConfigError('CONFIG_INVALID', 'Something has to be set.');
      },
    });
    expect(await failing.fn.initialize(request)).toMatchObject({ outcome: 'failed', body: { errorType: 'CONFIG_INVALID' } });
    expect(await failing.fn.invoke(request)).toMatchObject({ outcome: 'failed' });
    expect(tries).toBe(2);
  });

  it.each([
    [30, 31_000],
    [300, 286_000],
  ])('with a timeout of %i s works no longer than that, and ends before a call of the trigger does', async (timeoutSeconds, deadline) => {
    const { fn, deadlines } = start({ timeoutSeconds });
    await fn.invoke(request);
    expect(deadlines).toEqual([deadline]);
  });

  it('stops working when nobody waits for its answer', async () => {
    const gone = new AbortController();
    const process: Connector['process'] = async (batch, { mode, signal }) => {
      gone.abort();
      expect(signal?.aborted).toBe(true);
      return settle(
        batch.map((source) => ({ source, outcome: down })),
        { mode, dataErrors: 'block' },
      );
    };
    expect(await start({ process }).fn.invoke({ ...request, signal: gone.signal })).toMatchObject({ outcome: 'failed' });
  });

  it('prints what became of the batch, with the request and the age of its oldest record', async () => {
    const { fn, logged } = start();
    await fn.invoke(request);
    expect(logged()).toEqual([
      expect.objectContaining({
        ...{ message: 'metrics', requestId: 'r-1', service: 'shop', stage: 'test', connector: 'orders-to-memory' },
        ...{ records: 2, delivered: 2, configErrors: 0, durationMs: 5, oldestRecordMs: 600 },
      }),
    ]);
  });
});

describe('two calls at the same time', () => {
  const held = () => {
    let release = (): void => undefined;
    const wait = new Promise<void>((resolve) => {
      release = resolve;
    });
    const process: Connector['process'] = async (batch, { mode }) => {
      await wait;
      return settle(
        batch.map((source) => ({ source, outcome: 'delivered' as const })),
        { mode, dataErrors: 'block' },
      );
    };
    return { process, release };
  };

  it('are refused where the sink keeps order, and the first goes on', async () => {
    const { process, release } = held();
    const { fn } = start({ process });
    const first = fn.invoke(request);
    const second = await fn.invoke(request);
    release();
    expect(second).toMatchObject({ outcome: 'busy', body: { errorType: 'ONE_AT_A_TIME' } });
    expect((await first).outcome).toBe('accepted');
    expect((await fn.invoke(request)).outcome).toBe('accepted');
  });

  it('are taken where it does not', async () => {
    const { process, release } = held();
    const { fn } = start({ process, ordered: false });
    const both = [fn.invoke(request), fn.invoke(request)];
    release();
    expect((await Promise.all(both)).map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted']);
  });
});

describe('the credentials of an invocation', () => {
  it('reach the sink as they came with the newest request', async () => {
    const seen: (string | undefined)[] = [];
    const { fn } = start({
      open: async (_read, { credentials }) => {
        const connector: Connector = {
          name: 'x',
          probe: async () => undefined,
          close: async () => undefined,
          process: async (batch, { mode }) => {
            seen.push(credentials()?.securityToken);
            return settle(
              batch.map((source) => ({ source, outcome: 'delivered' as const })),
              { mode, dataErrors: 'block' },
            );
          },
        };
        return { connector, ordered: true };
      },
    });
    const lent = (securityToken: string) => ({ accessKeyId: 'id', accessKeySecret: 'secret', securityToken });
    await fn.invoke(request);
    await fn.invoke({ ...request, credentials: lent('first') });
    await fn.invoke({ ...request, credentials: lent('second') });
    await fn.invoke(request);
    expect(seen).toEqual([undefined, 'first', 'second', 'second']);
  });
});
