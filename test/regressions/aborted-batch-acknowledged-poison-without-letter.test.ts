import { expect, it } from 'vitest';
import { nextOffsets } from '../../lib/core/acknowledge.ts';
import { DataError } from '../../lib/core/errors.ts';
import type { Sink } from '../../lib/core/sink.ts';
import { fakeClock } from '../support/clock.ts';
import { connectorAround } from '../support/connector.ts';
import { sourceRecord } from '../support/records.ts';

// A worker aborts a batch when one of its partitions is lost, and goes on to commit the others.
it('acknowledges no poison of a batch that is aborted before its letters are written', async () => {
  const clock = fakeClock();
  const aborted = new AbortController();
  const target: Sink = {
    async write(records) {
      aborted.abort();
      return records.map(({ origin }) => (origin.offset === 1 ? new DataError('BAD', 'bad') : 'delivered'));
    },
  };
  let letters = 0;
  const writer: Sink = {
    async write(records) {
      letters += records.length;
      return records.map(() => 'delivered');
    },
  };
  const connector = connectorAround(target, { clock, dataErrors: 'dead-letter', letters: { writer, topic: 'orders.dlq' } });
  const batch = [0, 1, 2].map((offset) => sourceRecord('k', 'v', { offset }));
  const settlement = await connector.process(batch, { mode: 'partial', deadline: clock.now() + 120_000, signal: aborted.signal });
  expect(letters).toBe(0);
  expect(nextOffsets(settlement)).toEqual([{ topic: 'orders', partition: 0, offset: 1 }]);
});
