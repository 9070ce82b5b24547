// A topic that was created again is known by an offset with another timestamp. Where the transform dropped just that record, or it could not
// be decoded, nobody compared: the records behind it counted as written, and were lost.
import { expect, it } from 'vitest';
import type { Unsent } from '../../lib/core/sink.ts';
import { lake } from '../support/lake.ts';
import { memoryObjectStore } from '../support/memory-object-store.ts';
import { record } from '../support/records.ts';

const { signal } = new AbortController();
const at = (offset: number, timestamp: number) => record('k', { n: offset }, { offset, timestamp: timestamp + offset });

it.each(['dropped', 'rejected'] as const)('a topic that was created again is told by a record that is %s now', async (why) => {
  const store = memoryObjectStore();
  const sink = lake(store, {});
  await sink.write([at(0, 1_000), at(1, 1_000), at(2, 1_000)], { signal });
  const unsent: Unsent[] = [{ origin: at(0, 0).origin, timestamp: 2_000, why }];
  const [outcome] = await sink.write([at(1, 2_000)], { signal, unsent: () => unsent });
  expect(outcome).toMatchObject({ class: 'config', code: 'GUARD_AHEAD' });
});

it('a record of the same topic that is dropped now is no reason to stop', async () => {
  const store = memoryObjectStore();
  const sink = lake(store, {});
  await sink.write([at(0, 1_000), at(1, 1_000)], { signal });
  const unsent: Unsent[] = [{ origin: at(0, 0).origin, timestamp: 1_000, why: 'dropped' }];
  expect(await sink.write([at(1, 1_000)], { signal, unsent: () => unsent })).toEqual(['delivered']);
  expect(store.objects.size).toBe(1);
});
