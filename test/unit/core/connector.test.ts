import { describe, expect, it } from 'vitest';
import { acknowledge, nextOffsets } from '../../../lib/core/acknowledge.ts';
import type { BatchMeasurement } from '../../../lib/core/connector.ts';
import { ConfigError, DataError, RetriableError } from '../../../lib/core/errors.ts';
import { graceMs, openedSink } from '../../../lib/core/opened-sink.ts';
import type { Outcome, Sink } from '../../../lib/core/sink.ts';
import { defaultTolerance, tolerance } from '../../../lib/core/tolerance.ts';
import { fakeClock } from '../../support/clock.ts';
import { connectorAround } from '../../support/connector.ts';
import { sourceRecord } from '../../support/records.ts';

const batchOf = (count: number, from = 0) => Array.from({ length: count }, (_, index) => sourceRecord('k', 'v', { offset: from + index }));
const bad = new DataError('BAD', 'bad');
const answering = (answer: (offset: number) => Outcome): Sink => ({
  write: async (records) => records.map(({ origin }) => answer(origin.offset)),
});
const partial = { mode: 'partial', deadline: 1_760_000_000_000 + 120_000 } as const;
const letterBox = (): { readonly writer: Sink; readonly topic: string; readonly letters: number[] } => {
  const letters: number[] = [];
  const write: Sink['write'] = async (records) => {
    letters.push(...records.map(({ origin }) => origin.offset));
    return records.map(() => 'delivered');
  };
  return { letters, topic: 'orders.dlq', writer: { write } };
};

describe('a connector', () => {
  it('blocks a partition at a data error where there is no dead letter topic', async () => {
    const settlement = await connectorAround(answering((offset) => (offset === 1 ? bad : 'delivered'))).process(batchOf(3), partial);
    expect(nextOffsets(settlement)).toEqual([{ topic: 'orders', partition: 0, offset: 1 }]);
    expect(acknowledge(settlement).map(({ offset }) => offset)).toEqual([1, 2]);
  });

  it('drops data errors where skip was written down, and counts them', async () => {
    const reports: BatchMeasurement[] = [];
    const connector = connectorAround(
      answering((offset) => (offset === 1 ? bad : 'delivered')),
      { dataErrors: 'skip', report: (report) => reports.push(report) },
    );
    expect(acknowledge(await connector.process(batchOf(3), partial))).toEqual([]);
    expect(reports).toMatchObject([
      { records: 3, delivered: 2, skipped: 1, deadLettered: 0, redelivered: 0, lastError: { code: 'BAD', at: 'orders-0@1' } },
    ]);
  });

  it('reports the error that weighs most, as alarms watch for config errors', async () => {
    const reports: BatchMeasurement[] = [];
    const connector = connectorAround(
      answering((offset) => (offset === 0 ? new ConfigError('WRONG', 'wrong') : offset === 1 ? new RetriableError('DOWN', 'down') : bad)),
      { dataErrors: 'skip', report: (report) => reports.push(report) },
    );
    await connector.process(batchOf(3), partial);
    expect(reports).toMatchObject([{ lastError: { class: 'config', code: 'WRONG', at: 'orders-0@0' } }]);
  });

  it('stops instead of emptying a topic into its dead letter topic', async () => {
    const letters = letterBox();
    const connector = connectorAround(
      answering(() => bad),
      { letters, dataErrors: 'dead-letter', tolerance: tolerance(defaultTolerance) },
    );
    const settlement = await connector.process(batchOf(40), partial);
    expect(letters.letters).toEqual([]);
    expect(acknowledge(settlement)).toHaveLength(40);
    expect(settlement.partitions[0]?.deliveries[0]?.outcome).toMatchObject({ code: 'TOLERANCE_EXCEEDED', class: 'config' });
  });

  it('writes nothing behind a record that blocks before it could be written', async () => {
    const written: number[] = [];
    const sink = answering((offset) => {
      written.push(offset);
      return 'delivered';
    });
    const decodeValue = (_: Uint8Array, { offset }: { offset: number }) => {
      if (offset === 2) throw new RetriableError('REGISTRY_DOWN', 'down');
      return { value: 'v' };
    };
    const preparation = {
      decodeKey: () => ({ value: 'k' }),
      decodeValue,
      carriesJson: false,
      ready: [],
      transform: undefined,
      tombstones: 'pass' as const,
      epoch: 0,
      believesReplays: () => false,
    };
    await connectorAround(sink, { preparation }).process(batchOf(5), partial);
    expect(written).toEqual([0, 1]);
    await connectorAround(sink, { preparation }).process(batchOf(5), { ...partial, mode: 'batch' });
    expect(written).toEqual([0, 1]);
  });

  it('asks the target after a config error, before it decodes anything, and goes on when it works again', async () => {
    let isRefused = true;
    let decoded = 0;
    const refusal = new ConfigError('SINK_UNAUTHORIZED', 'The password is wrong.', { unauthorized: true });
    const target: Sink = {
      write: async (records) => records.map(() => (isRefused ? refusal : 'delivered')),
      probe: async () => {
        if (isRefused) throw refusal;
      },
    };
    const clock = fakeClock();
    const opened = openedSink(async () => target, clock.sleep);
    const preparation = {
      decodeKey: () => ({ value: 'k' }),
      decodeValue: () => {
        decoded++;
        return { value: 'v' };
      },
      carriesJson: false,
      ready: [],
      transform: undefined,
      tombstones: 'pass' as const,
      epoch: 0,
      believesReplays: () => false,
    };
    const connector = connectorAround(target, { clock, opened, sink: opened, preparation });
    expect(acknowledge(await connector.process(batchOf(2), partial))).toHaveLength(2);
    expect(decoded).toBe(2);
    expect(acknowledge(await connector.process(batchOf(2), partial))).toHaveLength(2);
    expect(decoded).toBe(2);
    isRefused = false;
    expect(acknowledge(await connector.process(batchOf(2), partial))).toEqual([]);
  });

  it("opens the dead letter topic's producer again once its password was changed", async () => {
    const refusal = new ConfigError('KAFKA_UNAUTHORIZED', 'The password is wrong.', { unauthorized: true });
    let password = 'old';
    const clock = fakeClock();
    const open = async (): Promise<Sink> => {
      const own = password;
      return {
        write: async (records) => records.map(() => (own === 'new' ? 'delivered' : refusal)),
        probe: async () => {
          if (own !== 'new') throw refusal;
        },
      };
    };
    const producer = openedSink(open, clock.sleep);
    const letters = { topic: 'orders.dlq', writer: producer, opened: producer };
    const connector = connectorAround(
      answering(() => bad),
      { clock, letters, dataErrors: 'dead-letter' },
    );
    expect(acknowledge(await connector.process(batchOf(1), partial))).toHaveLength(1);
    expect(acknowledge(await connector.process(batchOf(1), partial))).toHaveLength(1);
    password = 'new';
    expect(acknowledge(await connector.process(batchOf(1), partial))).toEqual([]);
  });

  it('answers before its deadline when the target hangs, and keeps time for letters', async () => {
    const clock = fakeClock();
    const letters = letterBox();
    const sink: Sink = {
      write: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    };
    const connector = connectorAround(sink, { clock, letters, dataErrors: 'dead-letter' });
    const deadline = clock.now() + 120_000;
    const processing = connector.process(batchOf(2), { mode: 'partial', deadline });
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(96_000);
    const settlement = await processing;
    expect(acknowledge(settlement)).toHaveLength(2);
    expect(clock.now()).toBeLessThan(deadline);
  });

  it.each([3_000, 120_000])('answers before its deadline of %i ms when the target does not even hear that the time is over', async (ms) => {
    const clock = fakeClock({ instantMs: graceMs });
    const deadline = clock.now() + ms;
    const processing = connectorAround({ write: () => new Promise(() => undefined) }, { clock }).process(batchOf(2), {
      mode: 'partial',
      deadline,
    });
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(ms - graceMs - 250);
    expect(acknowledge(await processing)).toHaveLength(2);
    expect(clock.now()).toBeLessThan(deadline);
  });

  it('answers before its deadline when the target cannot be opened, and says so', async () => {
    const clock = fakeClock();
    const opened = openedSink(() => new Promise(() => undefined), clock.sleep);
    const processing = connectorAround(
      answering(() => 'delivered'),
      { clock, opened, sink: opened },
    ).process(batchOf(2), partial);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(119_500);
    const settlement = await processing;
    expect(settlement.partitions[0]?.deliveries[0]?.outcome).toMatchObject({ code: 'OPEN_TIMEOUT', class: 'retriable' });
  });

  it('says in batch mode what went wrong by throwing it', async () => {
    const settlement = await connectorAround(
      answering((offset) => (offset === 1 ? new RetriableError('DOWN', 'down') : 'delivered')),
    ).process(batchOf(3), { ...partial, mode: 'batch' });
    expect(() => acknowledge(settlement)).toThrow('down');
  });

  it('opens no target for an empty batch that cannot fail', async () => {
    const settlement = await connectorAround(answering(() => 'delivered')).process([], partial);
    expect(acknowledge(settlement)).toEqual([]);
  });
});
