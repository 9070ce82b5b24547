import { memory, memoryStore } from '../../lib/sinks/memory.ts';
import type { Mode, TargetReader } from './kit/mode.ts';
import { describeSink } from './sink-contract.ts';

const name = 'contract';

/** Reads the rows and copies that are there, soft deletes left out. */
const target: TargetReader = {
  async read() {
    const { rows, copies } = memoryStore(name);
    const kept = [...rows].filter(([, { deleted }]) => !deleted);
    return [...kept.map(([id, { record }]) => ({ id, value: record.value })), ...copies.map(({ value }) => ({ value }))];
  },
  async reset() {
    memoryStore(name).rows.clear();
    memoryStore(name).copies.length = 0;
  },
};

const withoutKey: Mode['poison'] = (record) => ({ ...record, key: null });
const strayed: Mode['poison'] = (record) => ({ ...record, target: 'nowhere' });

describeSink({
  definition: memory,
  target: async () => target,
  modes: [
    { name: 'upsert by key, guarded, soft deletes', config: () => ({ name }), identity: 'key', guard: 'version', poison: withoutKey },
    {
      name: 'upsert by key, guarded by a field',
      config: () => ({ name, guard: { field: 'n' } }),
      identity: 'key',
      guard: { field: 'n' },
      sample: ({ value }, key) => ({ value: { n: 1, id: key, value } }),
      poison: withoutKey,
    },
    {
      name: 'upsert by key, guarded, tombstones ignored',
      config: () => ({ name, deletes: 'ignore' }),
      identity: 'key',
      guard: 'version',
      poison: withoutKey,
    },
    {
      name: 'upsert by key, guarded, hard deletes',
      config: () => ({ name, deletes: 'hard' }),
      identity: 'key',
      poison: withoutKey,
    },
    { name: 'upsert by key, unguarded', config: () => ({ name, guard: 'none' }), identity: 'key', poison: withoutKey },
    {
      name: 'upsert by record',
      config: () => ({ name, id: 'record' }),
      identity: 'record',
      id: ({ version, part }) => `${version.topic}-${version.partition}@${version.offset}/${part} epoch ${version.epoch}`,
      poison: strayed,
    },
    { name: 'append', config: () => ({ name, write: 'append' }), identity: 'none', tombstone: 'stored', poison: strayed },
  ],
});
