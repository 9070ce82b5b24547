import type { KafkaRecord } from '../../lib/core/record.ts';
import { webhook } from '../../lib/sinks/webhook.ts';
import { startProxy } from '../support/servers/proxy.ts';
import { type Fault, startReceiver } from '../support/servers/webhook-receiver.ts';
import { parseExact } from './kit/exact.ts';
import type { Mode, TargetReader } from './kit/mode.ts';
import { describeSink } from './sink-contract.ts';

const token = 'sentinel-token-abcdef';

/** Long enough for a busy machine to answer, as a write that has to be delivered is sent once. */
const timeoutMs = 4_000;
/** A receiver that sleeps costs as long, so it does in one mode. */
const sleepy = 'a request per record, the receiver knows it again';

interface Target extends TargetReader {
  readonly base: string;
}

async function openTarget({ name }: Mode<Target>): Promise<Target> {
  const receiver = await startReceiver({ authorization: () => `Bearer ${token}`, slowMs: timeoutMs + 1_000 });
  const proxy = await startProxy({ host: '127.0.0.1', port: receiver.port });
  const failing = (fault: Fault) => ({
    start() {
      receiver.fault = fault;
    },
    expected: 'retriable' as const,
  });
  return {
    base: `http://127.0.0.1:${proxy.port}`,
    secrets: { TOKEN: token },
    read: async () => receiver.kept().map(({ id, json }) => ({ ...(id === undefined ? {} : { id }), value: parseExact(json) })),
    reset: async () => receiver.reset(),
    async close() {
      await proxy.stop();
      await receiver.stop();
    },
    faults: {
      refuse: () => proxy.refuse(),
      hang: () => proxy.hang(),
      cut: () => proxy.cut(),
      async pass() {
        receiver.fault = 'none';
        await proxy.pass();
      },
      others: {
        ...(name === sleepy ? { slow: failing('slow') } : {}),
        throttled: failing('throttled'),
        unavailable: failing('unavailable'),
        'answer lost': failing('answer lost'),
        'partial answer': failing('partial answer'),
      },
    },
  };
}

const config = ({ base }: Target, path: string, options: object, secret = 'TOKEN') => ({
  url: base + path,
  auth: { type: 'bearer', token: { env: secret } },
  allowPrivate: true,
  timeoutMs,
  circuitBreaker: { failures: 5, openMs: 10 },
  ...options,
});

function mode(path: string, options: object): Omit<Mode<Target>, 'name' | 'identity'> {
  return {
    config: (target) => config(target, path, options),
    nullKey: 'stored',
    poison: ({ bytes: _, ...record }: KafkaRecord) => ({ ...record, value: { ...(record.value as object), poison: true } }),
    unauthorized: (target) => ({ config: config(target, path, options, 'WRONG'), secrets: { WRONG: 'sentinel-wrong-token' } }),
  };
}

const missing = (options: object) => ({ missing: (target: Target) => ({ config: config(target, '/nowhere', options) }) });
/** The receiver keeps the ids that it was sent. */
const id = ({ version: { topic, partition, epoch, offset }, part }: KafkaRecord) =>
  `under-test:${topic}:${partition}:${epoch}:${offset}:${part}`;

const lines = { batch: { format: 'lines', answer: { items: 'result.items', status: 'code', error: 'message' } } };
const failures = {
  batch: {
    wrapper: { records: '{items}', count: '{count}' },
    answer: { items: 'failed', lists: 'failures', index: 'index', status: 'code' },
  },
};
const known = { body: { id: '{id}', value: '{value}' }, receiverDeduplicates: true };

describeSink<Target>({
  definition: webhook,
  target: openTarget,
  modes: [
    {
      ...mode('/append', {}),
      ...missing({}),
      ...{ name: 'a request per record', identity: 'none', sharesWith: sleepy },
    },
    {
      ...mode('/once', { receiverDeduplicates: true, order: 'partition' }),
      ...missing({}),
      ...{ name: sleepy, identity: 'record', id },
    },
    {
      ...mode('/things/{key}', { method: 'PUT', tombstones: 'delete', receiverDeduplicates: true }),
      ...{ name: 'things by key, replaced and deleted', identity: 'key', nullKey: 'refused' },
      keys: [
        '1',
        '01',
        'a',
        'A',
        'a ',
        'a,b',
        '"a"',
        "it's",
        '{"id":1}',
        'é',
        'e\u0301',
        '__proto__',
        'a?b#c',
        'a+b&c=d',
        '100%',
        '...',
        'k'.repeat(200),
      ],
    },
    { ...mode('/array', { batch: {} }), ...missing({ batch: {} }), name: 'batches as an array', identity: 'none' },
    { ...mode('/lines', { batch: { format: 'lines' } }), name: 'batches as lines', identity: 'none', sharesWith: 'batches as an array' },
    { ...mode('/items', { ...lines, ...known }), name: 'batches, each item answered', identity: 'record', id },
    {
      ...mode('/failures', { ...failures, ...known }),
      ...{ name: 'batches in a wrapper, failures answered', identity: 'record', id, sharesWith: 'batches, each item answered' },
    },
  ],
});
