import type { KafkaRecord } from '../../../lib/core/record.ts';
import { startProxy } from '../../support/servers/proxy.ts';
import { parseExact } from './exact.ts';
import type { Mode, Stored, TargetReader } from './mode.ts';

export interface SearchTarget extends TargetReader {
  /** Where the sink connects: a proxy that fails on demand. */
  readonly node: string;
  readonly index: string;
}

interface Hit {
  readonly _id: string;
  readonly _source: { readonly _sluice?: { readonly deleted?: boolean } };
}

const settings = { number_of_replicas: 0, gc_deletes: '1s', refresh_interval: '200ms', translog: { durability: 'async' } };
const mappings = {
  dynamic: false,
  properties: { id: { type: 'keyword' }, n: { type: 'long' }, _sluice: { properties: { deleted: { type: 'boolean' } } } },
};

/** After a hard delete the server knows the version for this long, with the settings above. */
const forgetAfterMs = 1_800;

// A new index for each check would cost most of the time of these tests. Deleted documents are still known by their versions,
// so where versions are compared, each check has ids of its own.
let generation = 0;
const own = (text: string): string => `${text}~${generation}`;

/** An index of its own on a real server, seen with plain requests. */
export async function searchTarget(server: { readonly node: string; readonly port: number }, index: string): Promise<SearchTarget> {
  const proxy = await startProxy({ host: '127.0.0.1', port: server.port });
  const call = async (method: string, path: string, body?: object | string): Promise<string> => {
    const text = typeof body === 'object' ? JSON.stringify(body) : body;
    const init = text === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: text };
    const response = await fetch(`${server.node}${path}`, { method, ...init });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${answer.slice(0, 500)}`);
    return answer;
  };
  await call('PUT', `/${index}`, { settings, mappings });
  return {
    node: `http://${proxy.host}:${proxy.port}`,
    index,
    async read() {
      await call('POST', `/${index}/_refresh`);
      const { hits } = parseExact(await call('POST', `/${index}/_search`, { size: 10_000 })) as { hits: { hits: readonly Hit[] } };
      return hits.hits.filter(({ _source }) => _source._sluice?.deleted !== true).map(toStored);
    },
    async reset() {
      generation++;
      await call('POST', `/${index}/_refresh`);
      const { hits } = parseExact(await call('POST', `/${index}/_search`, { size: 10_000, _source: false })) as {
        hits: { hits: readonly Hit[] };
      };
      const deletes = hits.hits.map(({ _id }) => `${JSON.stringify({ delete: { _id } })}\n`).join('');
      if (deletes !== '') await call('POST', `/${index}/_bulk?refresh=true`, deletes);
    },
    async close() {
      await call('DELETE', `/${index}`);
      await proxy.stop();
    },
    faults: {
      pass: async () => void (await proxy.pass()),
      refuse: async () => void (await proxy.refuse()),
      hang: async () => void proxy.hang(),
      cut: async () => void proxy.cut(),
    },
  };
}

function toStored({ _id, _source: { _sluice, ...value } }: Hit): Stored {
  return { id: _id, value };
}

type SearchMode = Mode<SearchTarget>;

const common = {
  poison: (record: KafkaRecord): KafkaRecord => ({ ...record, value: { ...(record.value as object), n: 'not a number' } }),
  missing: ({ node }: SearchTarget) => ({ config: { node, index: 'sluice-no-such-index', requireAlias: true } }),
  sample: (sample) => ({ value: sample.value, refused: sample.json === '""' }),
} satisfies Partial<SearchMode>;

const updated = (key: string, n: number) => ({ id: own(key), n, text: `sentinel text ${n} of ${key}`, updated: n });

/** A mode without the checks whose answer is the same in every mode: what is sent and how failures are read. */
export function ownPromises(mode: SearchMode): SearchMode {
  return { ...mode, sharesWith: searchModes.byKey.name };
}

/** Every way to write that promises something of its own. */
export const searchModes = {
  byKey: {
    ...common,
    name: 'documents by key, soft deletes',
    config: ({ node, index }) => ({ node, index }),
    key: own,
    identity: 'key',
    guard: 'version',
    forgetAfterMs,
  },
  checked: {
    ...common,
    name: 'documents by key, every partition checked',
    config: ({ node, index }) => ({ node, index, checkPartitions: 'always' }),
    key: own,
    identity: 'key',
    guard: 'version',
  },
  hard: {
    ...common,
    name: 'documents by key, hard deletes',
    config: ({ node, index }) => ({ node, index, deletes: 'hard' }),
    key: own,
    identity: 'key',
    forgetAfterMs,
  },
  unguarded: {
    ...common,
    name: 'documents by key, without a guard',
    config: ({ node, index }) => ({ node, index, guard: 'none' }),
    identity: 'key',
  },
  byField: {
    ...common,
    name: 'documents by a field of the value',
    config: ({ node, index }) => ({ node, index, id: { fields: ['id'] } }),
    identity: 'value',
    sample: (sample, key) => withFields(sample.value, { id: key }),
  },
  guardField: {
    ...common,
    name: 'documents by a field, newer by another field',
    config: ({ node, index }) => ({ node, index, id: { fields: ['id'] }, guard: { field: 'updated' } }),
    identity: 'value',
    guard: { field: 'updated' },
    value: updated,
    sample: (sample, key) => withFields(sample.value, { id: own(key), updated: 1 }),
  },
  byRecord: {
    ...common,
    name: 'one document per record',
    config: ({ node, index }) => ({ node, index, id: 'record' }),
    identity: 'record',
    id: recordId,
  },
  create: {
    ...common,
    name: 'one new document per record',
    config: ({ node, index }) => ({ node, index, id: 'record', write: 'create' }),
    identity: 'record',
    id: recordId,
  },
  update: {
    ...common,
    name: 'partial updates by key, soft deletes',
    config: ({ node, index }) => ({ node, index, write: 'update' }),
    identity: 'key',
    partialUpdates: (key) => ({ first: { id: key, a: 1, b: 1 }, second: { b: 2 }, merged: { id: key, a: 1, b: 2 } }),
  },
  updateHard: {
    ...common,
    name: 'partial updates by key, hard deletes',
    config: ({ node, index }) => ({ node, index, write: 'update', deletes: 'hard' }),
    identity: 'key',
    partialUpdates: (key) => ({ first: { id: key, a: 1, b: 1 }, second: { b: 2 }, merged: { id: key, a: 1, b: 2 } }),
    forgetAfterMs,
  },
} satisfies Record<string, SearchMode>;

function withFields(value: unknown, fields: object): { readonly value: unknown; readonly refused?: boolean } {
  return typeof value === 'object' ? { value: { ...value, ...fields } } : { value, refused: true };
}

function recordId({ version, part }: KafkaRecord): string {
  const { topic, partition, offset, epoch } = version;
  return [topic, partition, offset, ...(part > 0 || epoch > 0 ? [part] : []), ...(epoch > 0 ? [epoch] : [])].join('+');
}
