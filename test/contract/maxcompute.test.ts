import type { KafkaRecord } from '../../lib/core/record.ts';
import { maxcompute } from '../../lib/sinks/maxcompute.ts';
import type { Row } from '../support/servers/maxcompute/record-stream.ts';
import type { RequestKind } from '../support/servers/maxcompute/request.ts';
import type { TableDeclaration } from '../support/servers/maxcompute/store.ts';
import { defaultAccount, type Fault, type MaxComputeServer, startMaxCompute } from '../support/servers/maxcompute.ts';
import { startProxy } from '../support/servers/proxy.ts';
import { parseExact } from './kit/exact.ts';
import type { Mode, TargetReader } from './kit/mode.ts';
import { connection, originColumns, secrets } from './maxcompute-support.ts';
import { describeSink } from './sink-contract.ts';

interface MaxComputeTarget extends TargetReader {
  /** The way through the proxy. */
  readonly address: ReturnType<typeof connection>;
}

interface MaxComputeMode extends Mode<MaxComputeTarget> {
  readonly table: TableDeclaration;
  /** What a row shows of its record. */
  readonly show: (row: Row) => unknown;
}

const inFlight: readonly RequestKind[] = ['writeStream', 'block', 'commit'];
const wrongKey = 'sentinel-wrong-access-key';
/** Longer than any ordinary answer here takes, also while other tests run. */
const requestTimeoutMs = 2_000;
const maxFieldBytes = 100_000;

/** From now on these requests meet the fault. */
const meeting = (server: MaxComputeServer, kinds: readonly RequestKind[], fault: Fault) => () => {
  server.fault = ({ kind }) => (kinds.includes(kind) ? fault : undefined);
};

/** A table of its own on a server of its own, behind a proxy; what arrived is read from the server's memory. */
async function openTarget({ table, show }: MaxComputeMode): Promise<MaxComputeTarget> {
  const server = await startMaxCompute({ maxFieldBytes });
  const proxy = await startProxy(server);
  server.createTable('things', table);
  const tunnelEndpoint = `http://${proxy.host}:${proxy.port}`;
  return {
    address: connection({ project: server.project, tunnelEndpoint, endpoint: `${tunnelEndpoint}/api` }),
    secrets,
    sentinels: [wrongKey],
    read: async () => server.rows('things').map((row) => ({ value: show(row) })),
    reset: async () => server.truncate('things'),
    async close() {
      await proxy.stop();
      await server.stop();
    },
    faults: {
      async pass() {
        server.fault = undefined;
        await proxy.pass();
      },
      refuse: () => proxy.refuse(),
      hang: () => proxy.hang(),
      cut: () => proxy.cut(),
      others: {
        throttled: { start: meeting(server, inFlight, { code: 'FlowExceeded', holdClientMs: 200 }), expected: 'retriable' },
        unavailable: { start: meeting(server, inFlight, { code: 'ServiceUnavailable' }), expected: 'retriable' },
        slow: { start: meeting(server, inFlight, { delayMs: requestTimeoutMs + 100 }), expected: 'retriable' },
        // Also what a commit came to stays unknown.
        'answer lost': { start: meeting(server, [...inFlight, 'reload'], 'answer lost'), expected: 'retriable' },
        'partial answer': { start: meeting(server, [...inFlight, 'reload'], 'partial answer'), expected: 'retriable' },
        'access taken away': { start: meeting(server, inFlight, { code: 'NoPermission' }), expected: 'config' },
      },
    },
  };
}

const columns = { id: 'string', n: 'bigint', text: 'string', data: 'json' } as const;
/** The fields of a row that are not null, without those that say where it came from. */
const showFields = (row: Row): unknown => {
  const fields = Object.keys(columns).flatMap((name) => (row[name] === null || row[name] === undefined ? [] : [[name, row[name]]]));
  const shown = Object.fromEntries(fields) as Record<string, unknown>;
  return 'data' in shown ? { ...shown, data: parseExact(String(shown['data'])) } : shown;
};
const plain = (text: unknown): unknown => {
  if (typeof text !== 'string') return text;
  try {
    return parseExact(text);
  } catch {
    return text;
  }
};

const options = (target: MaxComputeTarget, own: object) => ({ ...target.address, table: 'things', requestTimeoutMs, ...own });
const mode = (
  name: string,
  own: object,
  rest: Omit<MaxComputeMode, keyof typeof common | 'name' | 'config'> & Partial<MaxComputeMode>,
): MaxComputeMode => ({
  ...common,
  name,
  config: (target) => options(target, own),
  unauthorized: (target) => ({ config: options(target, own), secrets: { ID: defaultAccount.accessId, KEY: wrongKey } }),
  missing: (target) => ({ config: options(target, { ...own, table: 'nowhere' }) }),
  ...rest,
});
const common = { identity: 'none', tombstone: 'stored' } as const;

const fields = {
  table: { columns: { ...originColumns, ...columns }, partitionedBy: { pt: 'string' } },
  show: showFields,
  stored: ({ value }: KafkaRecord) => value ?? {},
  sample: ({ value }: { readonly value: unknown }, key: string) => ({ value: { id: key, n: 1, text: 't', data: value } }),
  poison: (record: KafkaRecord): KafkaRecord => ({ ...record, value: { ...(record.value as object), n: 'not a number' } }),
};
const json = {
  table: { columns: { ...originColumns, value: 'json' }, partitionedBy: { pt: 'string' } },
  show: ({ value }: Row) => plain(value),
  poison: { none: 'a JSON column takes whatever JSON can say' },
};

describeSink<MaxComputeTarget>({
  definition: maxcompute,
  target: (wanted) => openTarget(wanted as MaxComputeMode),
  modes: [
    mode('stream, fields of the value into columns', { mode: 'value', format: 'flatten' }, fields),
    mode('block, fields of the value into columns', { mode: 'value', format: 'flatten', upload: 'block' }, fields),
    mode(
      'block, values as JSON',
      { mode: 'value', format: 'json', upload: 'block', partition: { window: 'day', format: 'old' } },
      {
        ...json,
        size: { at: () => 'x'.repeat(maxFieldBytes - 2), over: () => 'x'.repeat(maxFieldBytes - 1) },
        sharesWith: 'block, fields of the value into columns',
      },
    ),
    mode(
      'stream, key and value as text',
      { partition: false },
      {
        table: { columns: { ...originColumns, key: 'string', value: 'string' } },
        show: ({ key, value }) => ({ key, value: plain(value) }),
        stored: ({ key, value }) => ({ key, value }),
        poison: (record) => ({ ...record, value: '\ud800' }),
        sample: ({ value }) => ({ value }),
        sharesWith: 'stream, fields of the value into columns',
      },
    ),
  ],
});
