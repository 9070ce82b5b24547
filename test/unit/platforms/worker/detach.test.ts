import { expect, it } from 'vitest';
import { detached } from '../../../../lib/platforms/worker/detach.ts';
import { sourceRecord } from '../../../support/records.ts';

const answer = Buffer.alloc(1_000_000, 'x');

it('copies a few records out of a large answer, so that waiting does not keep all of it in memory', () => {
  const header = { key: 'trace', value: answer.subarray(10, 14) };
  const [record] = detached([
    sourceRecord(answer.subarray(0, 4), answer.subarray(100, 200), { partition: 3, offset: 7, headers: [header] }),
  ]);
  expect(record).toMatchObject({ origin: { topic: 'orders', partition: 3, offset: 7 }, headers: [header] });
  expect([record?.key, record?.value].map((bytes) => Buffer.from(bytes ?? []).toString())).toEqual(['xxxx', 'x'.repeat(100)]);
  for (const bytes of [record?.key, record?.value, record?.headers[0]?.value]) expect(bytes?.buffer.byteLength).toBeLessThan(1_000);
});

it('leaves the records as they are where they are most of the answer, or the answer is small', () => {
  const most = [sourceRecord(null, answer.subarray(0, 200_000))];
  expect(detached(most)).toBe(most);
  const small = [sourceRecord(null, Buffer.alloc(1_000).subarray(0, 3))];
  expect(detached(small)).toBe(small);
  expect(detached([])).toEqual([]);
});
