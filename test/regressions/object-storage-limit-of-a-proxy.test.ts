// A proxy in front of the store that takes bodies of a megabyte answers 413 to an object of many records. All of them went to the dead letter
// topic, although none was too large.
import { expect, it } from 'vitest';
import { DataError } from '../../lib/core/errors.ts';
import { lake } from '../support/lake.ts';
import { memoryObjectStore } from '../support/memory-object-store.ts';
import { record } from '../support/records.ts';

const { signal } = new AbortController();
const numbered = (count: number) => Array.from({ length: count }, (_, offset) => record('k', { offset }, { offset }));

it('an object that is too large for the store blames its record only where it holds no other', async () => {
  const store = memoryObjectStore();
  store.fault = (operation) => (operation === 'create' ? new DataError('SINK_TOO_LARGE', 'too large') : undefined);
  for (const outcome of await lake(store, {}).write(numbered(3), { signal })) {
    expect(outcome).toMatchObject({ class: 'config', code: 'SINK_TOO_LARGE' });
    expect((outcome as Error).message).toContain('connector.sink.maxBytes');
  }
  expect((await lake(store, {}).write(numbered(1), { signal }))[0]).toMatchObject({ class: 'data', code: 'SINK_TOO_LARGE' });
});
