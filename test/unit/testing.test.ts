import { connect, DataError } from 'sluice';
import { consoleSink } from 'sluice/sinks/console';
import { transformed } from 'sluice/testing';
import { describe, expect, it } from 'vitest';

const handler = connect<{ readonly ids: readonly number[] }>({
  sink: consoleSink,
  transform: (record, { settings }) => {
    if (record.value.ids.includes(0)) throw new DataError('NO_ID', 'Expected ids from 1');
    return record.value.ids.map((id) => ({ ...record, value: { id, by: settings['by'] } }));
  },
});

describe('transformed', () => {
  it('answers the records that the transform makes, with their parts', async () => {
    const records = await transformed(handler, { key: 'k', value: { ids: [7, 8] } }, { settings: { by: 'me' } });
    expect(records.map(({ key, value, part }) => ({ key, value, part }))).toEqual([
      { key: 'k', value: { id: 7, by: 'me' }, part: 0 },
      { key: 'k', value: { id: 8, by: 'me' }, part: 1 },
    ]);
    expect(await transformed(handler, { value: { ids: [] } })).toEqual([]);
  });

  it('throws what the transform throws', async () => {
    await expect(transformed(handler, { value: { ids: [0] } })).rejects.toThrow('Expected ids from 1');
    await expect(transformed(handler, { value: {} })).rejects.toThrow(TypeError);
  });

  it('lets tombstones pass, unless they are to be transformed', async () => {
    const [tombstone] = await transformed(handler, { key: 'k', value: null });
    expect(tombstone).toMatchObject({ key: 'k', value: null });
    await expect(transformed(handler, { key: 'k', value: null }, { tombstones: 'transform' })).rejects.toThrow(TypeError);
  });

  it('takes only handlers of connectors', async () => {
    await expect(transformed(() => undefined, { value: 1 })).rejects.toThrow('made by connect()');
  });
});
