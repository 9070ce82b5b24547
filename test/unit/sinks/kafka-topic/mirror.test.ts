import { expect, it } from 'vitest';
import { ConfigError, DataError, RetriableError } from '../../../../lib/core/errors.ts';
import type { Outcome } from '../../../../lib/core/sink.ts';
import { noting } from '../../../../lib/sinks/kafka-topic/mirror.ts';
import { record } from '../../../support/records.ts';

const { signal } = new AbortController();
const records = [0, 1, 2, 3, 4].map((offset) => record('k', offset, { offset }));

it('tells which records are to come again: not those that are written, passed over or dead-lettered', async () => {
  const missed: number[] = [];
  const outcomes: Outcome[] = [
    'delivered',
    new RetriableError('KAFKA_UNAVAILABLE', 'away'),
    new DataError('SINK_REJECTED_RECORD', 'too large'),
    new ConfigError('KAFKA_TOPIC_MISSING', 'missing'),
    'ignored',
  ];
  const sink = noting({ write: async () => outcomes }, { missed: ({ origin }) => missed.push(origin.offset) });
  expect(await sink.write(records, { signal })).toBe(outcomes);
  expect(missed).toEqual([1, 3]);
});

it('tells of every record where the write as a whole failed', async () => {
  const missed: number[] = [];
  const failing = { write: () => Promise.reject(new RetriableError('KAFKA_UNAVAILABLE', 'away')) };
  const sink = noting(failing, { missed: ({ origin }) => missed.push(origin.offset) });
  await expect(sink.write(records, { signal })).rejects.toThrow('away');
  expect(missed).toEqual([0, 1, 2, 3, 4]);
});
