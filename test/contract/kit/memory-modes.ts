import { memoryStore } from '../../../lib/sinks/memory.ts';
import type { Mode, TargetReader } from './mode.ts';
import { maxValueBytes, type Network, password } from './networked.ts';

export interface MemoryTarget extends TargetReader {
  readonly name: string;
}

/** Reads the store directly; soft deletes left out. */
export function memoryTarget(name: string, network: Network): MemoryTarget {
  return {
    name,
    faults: network,
    secrets: { PASSWORD: password },
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
}

const withoutKey: Mode['poison'] = (record) => ({ ...record, key: null });
const strayed: Mode['poison'] = (record) => ({ ...record, target: 'nowhere' });

function mode(options: object, rest: Omit<Mode, 'config'>): Mode<MemoryTarget> {
  const sound = ({ name }: MemoryTarget) => ({ name, place: 'here', password: { env: 'PASSWORD' }, ...options });
  const sized = (bytes: number) => (key: string) => {
    const text = JSON.stringify({ id: key, n: 0, text: '' });
    return { id: key, n: 0, text: 'x'.repeat(bytes - text.length) };
  };
  return {
    ...rest,
    config: sound,
    size: { at: sized(maxValueBytes), over: sized(maxValueBytes + 1) },
    unauthorized: (target) => ({ config: sound(target), secrets: { PASSWORD: 'incorrect horse' } }),
    missing: (target) => ({ config: { ...sound(target), place: 'elsewhere' }, secrets: { PASSWORD: password } }),
  };
}

export const modes = {
  guarded: mode({}, { name: 'upsert by key, guarded', identity: 'key', guard: 'version', poison: withoutKey }),
  byField: mode(
    { guard: { field: 'n' } },
    {
      name: 'upsert by key, guarded by a field',
      identity: 'key',
      guard: { field: 'n' },
      sample: ({ value }, key) => ({ value: { n: 1, id: key, value } }),
      poison: withoutKey,
    },
  ),
  ignoring: mode(
    { deletes: 'ignore' },
    { name: 'upsert by key, guarded, tombstones ignored', identity: 'key', guard: 'version', poison: withoutKey },
  ),
  hard: mode({ deletes: 'hard' }, { name: 'upsert by key, guarded, hard deletes', identity: 'key', poison: withoutKey }),
  unguarded: mode({ guard: 'none' }, { name: 'upsert by key, unguarded', identity: 'key', poison: withoutKey }),
  byRecord: mode(
    { id: 'record' },
    {
      name: 'upsert by record',
      identity: 'record',
      id: ({ version, part }) => `${version.topic}-${version.partition}@${version.offset}/${part} epoch ${version.epoch}`,
      poison: strayed,
    },
  ),
  append: mode({ write: 'append' }, { name: 'append', identity: 'none', tombstone: 'stored', poison: strayed }),
};
