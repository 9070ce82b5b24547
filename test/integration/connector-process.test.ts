import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectorProcessOptions, keepRunning } from '../../lib/cli/connector-process.ts';
import type { ConnectorMessage } from '../../lib/cli/run-messages.ts';
import { realClock } from '../../lib/compose.ts';
import { type ServiceFolder, serviceFolder } from '../support/service-folder.ts';

const working = `
import { connect } from 'sluice';
import { consoleSink } from 'sluice/sinks/console';
console.log('loaded');
export const handler = connect({ sink: consoleSink });
`;
const hanging = `console.log('loaded');\nawait new Promise(() => setInterval(() => undefined, 1_000));\n${working}`;

let folder: ServiceFolder | undefined;
afterEach(async () => {
  await folder?.remove();
  folder = undefined;
});

/** What the process of the function is told; nothing listens at the brokers' address. */
async function startOf(code: string, untilCaughtUp = false) {
  folder = await serviceFolder({ 'functions/orders.ts': code });
  return {
    ...{ name: 'orders', service: 'shop', stage: 'test' },
    handlerFile: `${folder.path}/functions/orders.ts`,
    exportName: 'handler',
    connector: { trigger: { topic: 'orders' }, sink: { type: 'console' }, acceptDuplicates: true },
    cluster: { bootstrapServers: '127.0.0.1:1' },
    groupId: 'orders-group',
    batchTimeoutMs: 10_000,
    ...(untilCaughtUp ? { untilCaughtUp: { patienceMs: 60_000 } } : {}),
  };
}

/** Keeps the connector running over crashes without waiting, and notes what is heard of it. */
async function keep(code: string, options: Partial<ConnectorProcessOptions> & { readonly untilCaughtUp?: boolean } = {}) {
  const heard: ConnectorMessage[] = [];
  const printed: string[] = [];
  const restarts: { readonly reason: string; readonly waitMs: number }[] = [];
  const givenUp: string[] = [];
  const end = await keepRunning({
    start: await startOf(code, options.untilCaughtUp),
    env: process.env,
    cwd: folder?.path ?? '.',
    signal: new AbortController().signal,
    clock: { ...realClock, random: () => 0.5, sleep: async () => undefined },
    heard: (message) => void heard.push(message),
    printed: (line) => void printed.push(line),
    restarts: (reason, waitMs) => void restarts.push({ reason, waitMs }),
    gaveUp: (reason) => void givenUp.push(reason),
    ...options,
  });
  return { end, heard, printed, restarts, givenUp };
}

describe('the process of a connector', () => {
  it('starts again after crashes, with pauses that grow, until there were too many for an end in sight', async () => {
    const { end, restarts, givenUp } = await keep('process.exit(3);', { untilCaughtUp: true });
    const reason = 'it ended with code 3';
    expect(restarts).toEqual([500, 1_000, 2_000, 4_000].map((waitMs) => ({ reason, waitMs })));
    expect(end).toBe('crashed');
    expect(givenUp).toEqual([reason]);
  });

  it('starts again after it was killed, for as long as nobody asks it to stop', async () => {
    const stop = new AbortController();
    const restarts: string[] = [];
    const { end } = await keep("process.kill(process.pid, 'SIGKILL');", {
      signal: stop.signal,
      restarts(reason) {
        restarts.push(reason);
        if (restarts.length === 2) stop.abort();
      },
    });
    expect(restarts).toEqual(['it was ended by SIGKILL', 'it was ended by SIGKILL']);
    expect(end).toBe('stopped');
  });

  it('says when it cannot even be started', async () => {
    const { end, givenUp } = await keep(working, { untilCaughtUp: true, cwd: '/no/such/folder' });
    expect(end).toBe('crashed');
    expect(givenUp).toEqual([expect.stringContaining('it could not be started')]);
  });

  it('is not started again where something has to be set, and says what', async () => {
    const { end, heard, restarts } = await keep("throw new Error('no such module');");
    expect(end).toBe('unusable');
    expect(heard).toMatchObject([{ type: 'unusable', code: 'FUNCTION_UNUSABLE', message: expect.stringContaining('no such module') }]);
    expect(restarts).toEqual([]);
  });

  it('hands on what a function prints, however much, and is stopped while it looks for Kafka', async () => {
    const stop = new AbortController();
    const heard: ConnectorMessage[] = [];
    const { end, printed } = await keep(`for (let line = 0; line < 20_000; line++) console.log('line ' + line);\n${working}`, {
      signal: stop.signal,
      heard(message) {
        heard.push(message);
        if (message.type === 'disconnected') stop.abort();
      },
    });
    expect(end).toBe('stopped');
    expect(heard.at(-1)).toMatchObject({ type: 'ended', reason: 'stopped', isCommitted: true });
    expect(printed.length).toBe(20_001);
  });

  it('is stopped, not crashed, when it is asked to before it has begun', async () => {
    const { end, restarts, givenUp } = await keep(working, { signal: AbortSignal.abort() });
    expect(end).toBe('stopped');
    expect([restarts, givenUp]).toEqual([[], []]);
  });

  it('is stopped while a function that never ends loading is loaded', async () => {
    const stop = new AbortController();
    const from = Date.now();
    const { end } = await keep(hanging, { signal: stop.signal, printed: () => stop.abort() });
    expect(end).toBe('stopped');
    expect(Date.now() - from).toBeLessThan(20_000);
  });

  it('ends when the process that started it is gone', async () => {
    const entry = fileURLToPath(new URL('../../lib/cli/run-connector.ts', import.meta.url));
    const child = fork(entry, [], {
      execArgv: ['--conditions=sluice-source'],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    try {
      child.send(await startOf(hanging));
      await once(child.stdout as NodeJS.ReadableStream, 'data');
      child.disconnect();
      await once(child, 'exit');
    } finally {
      child.kill('SIGKILL');
    }
  });
});
