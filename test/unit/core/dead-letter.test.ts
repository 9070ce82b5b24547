import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadLetter } from '../../../lib/core/dead-letter.ts';
import { ConfigError, DataError, RetriableError } from '../../../lib/core/errors.ts';
import { fingerprint, toLetter } from '../../../lib/core/letter.ts';
import type { Header, KafkaRecord } from '../../../lib/core/record.ts';
import { letterHeaders, readReplay } from '../../../lib/core/replay.ts';
import { settle } from '../../../lib/core/settle.ts';
import type { Outcome, Sink } from '../../../lib/core/sink.ts';
import { letterContext } from '../../support/connector.ts';
import { sourceRecord } from '../../support/records.ts';

const { signal } = new AbortController();
const context = { ...letterContext, now: 1_760_000_000_000 };
const bad = new DataError('SINK_REJECTED_RECORD', 'The target refused the record (orders-0@5)', {
  cause: new Error('numeric field overflow'),
});
const texts = (headers: readonly Header[]) => Object.fromEntries(headers.map(({ key, value }) => [key, Buffer.from(value).toString()]));
const dataErrors = 'dead-letter' as const;

function letterBox(answer: (letter: KafkaRecord) => Outcome = () => 'delivered'): Sink & { readonly letters: KafkaRecord[] } {
  const letters: KafkaRecord[] = [];
  return {
    letters,
    async write(records) {
      letters.push(...records);
      return records.map(answer);
    },
  };
}

describe('a dead letter', () => {
  it('has no body where the platform could not hand over the whole one, and says so', () => {
    const source = { ...sourceRecord('k', 'the beg', { offset: 5 }), incomplete: new DataError('OVERSIZE', 'Too large') };
    const letter = toLetter({ source, outcome: source.incomplete, stage: 'value' }, source.incomplete, context);
    expect(letter).toMatchObject({ key: null, value: null, origin: { offset: 5 } });
    expect(texts(letter.headers)).toMatchObject({ '__connect.errors.offset': '5', [letterHeaders.bodyOmitted]: 'true' });
  });

  it('holds key, value and headers byte for byte, repeats and order included', () => {
    const bytes = fc.uint8Array();
    fc.assert(
      fc.property(
        fc.option(bytes),
        fc.option(bytes),
        fc.array(fc.record({ key: fc.constantFrom('a', 'b'), value: bytes })),
        (key, value, headers) => {
          const letter = toLetter({ source: sourceRecord(key, value, { headers }), outcome: bad }, bad, context);
          expect([letter.key, letter.value]).toEqual([key, value]);
          expect(letter.headers.slice(0, headers.length)).toEqual(headers);
        },
      ),
    );
  });

  it("says what Kafka Connect's readers look for, and what a replay needs", () => {
    const letter = toLetter(
      { source: sourceRecord('k', 'v', { partition: 3, offset: 5, timestamp: 9 }), outcome: bad, stage: 'sink', failedParts: [1, 2] },
      bad,
      { ...context, epoch: 4 },
    );
    expect(letter.timestamp).toBe(9);
    expect(texts(letter.headers)).toMatchObject({
      '__connect.errors.topic': 'orders',
      '__connect.errors.partition': '3',
      '__connect.errors.offset': '5',
      '__connect.errors.connector.name': 'orders-to-test',
      '__connect.errors.task.id': '0',
      '__connect.errors.stage': 'TASK_PUT',
      '__connect.errors.class.name': 'sluice/sinks/test',
      '__connect.errors.exception.class.name': 'Error',
      '__connect.errors.exception.message': 'The target refused the record (orders-0@5): numeric field overflow',
      [letterHeaders.version]: 'orders:3:5:4',
      [letterHeaders.parts]: '1,2',
      [letterHeaders.attempts]: '1',
      [letterHeaders.class]: 'data',
      [letterHeaders.code]: 'SINK_REJECTED_RECORD',
      [letterHeaders.configVersion]: 'c0ffee00',
    });
    expect(texts(letter.headers)).toHaveProperty('__connect.errors.exception.stacktrace');
    expect(readReplay(letter.headers)).toEqual({
      version: { topic: 'orders', partition: 3, offset: 5, epoch: 4 },
      parts: [1, 2],
      attempts: 1,
      firstFailure: context.now,
      timestamp: 9,
    });
  });

  it('cuts long texts and keeps their last character whole', () => {
    const long = new DataError('BAD', '😀'.repeat(5_000));
    const message =
      texts(toLetter({ source: sourceRecord('k', 'v'), outcome: long }, long, context).headers)['__connect.errors.exception.message'] ?? '';
    expect(message.length).toBeLessThanOrEqual(2_001);
    expect(message.isWellFormed()).toBe(true);
  });

  it('that failed again counts its attempts and remembers its first failure and version, with one set of headers', () => {
    const believing = { ...context, believesReplays: () => true };
    const first = toLetter(
      { source: sourceRecord('k', 'v', { offset: 5, headers: [{ key: 'own', value: Buffer.from('1') }] }), outcome: bad },
      bad,
      context,
    );
    const again = sourceRecord('k', 'v', { topic: 'replays', offset: 0, headers: first.headers });
    const second = toLetter({ source: again, outcome: bad }, bad, { ...believing, now: context.now + 60_000 });
    expect(second.headers).toHaveLength(first.headers.length);
    expect(texts(second.headers)).toMatchObject({
      own: '1',
      [letterHeaders.attempts]: '2',
      [letterHeaders.version]: 'orders:0:5:0',
      [letterHeaders.firstFailure]: String(context.now),
      [letterHeaders.lastFailure]: String(context.now + 60_000),
    });
  });

  it('has the same fingerprint for the same kind of failure, wherever it happened', () => {
    expect(fingerprint('sink', new DataError('X', 'value 12 is too long (orders-0@5)'))).toBe(
      fingerprint('sink', new DataError('X', 'value 7 is too long (orders-3@99)')),
    );
    expect(fingerprint('sink', new DataError('X', 'a'))).not.toBe(fingerprint('value', new DataError('X', 'a')));
    expect(fingerprint('sink', bad)).toMatch(/^[0-9a-f]{8}$/);
  });
});

describe('deadLetter', () => {
  const poison = (offset: number) => ({ source: sourceRecord('k', 'v', { offset }), outcome: bad });
  const good = (offset: number) => ({ source: sourceRecord('k', 'v', { offset }), outcome: 'delivered' as const });

  it('writes no letter for poison behind an outage', async () => {
    const writer = letterBox();
    const outage = { source: sourceRecord('k', 'v', { offset: 1 }), outcome: new RetriableError('DOWN', 'down') };
    await deadLetter(settle([poison(0), outage, poison(2)], { mode: 'partial', dataErrors }), {
      writer,
      topic: 'orders.dlq',
      context,
      signal,
    });
    expect(writer.letters.map(({ origin }) => origin.offset)).toEqual([0]);
  });

  it('ends the prefix before a record whose letter could not be written', async () => {
    const writer = letterBox(({ origin }) => (origin.offset === 1 ? new RetriableError('DOWN', 'down') : 'delivered'));
    const { partitions } = await deadLetter(settle([good(0), poison(1), good(2), poison(3)], { mode: 'partial', dataErrors }), {
      writer,
      topic: 'orders.dlq',
      context,
      signal,
    });
    expect(partitions).toMatchObject([{ prefix: 1 }]);
    expect(partitions[0]?.deliveries[1]?.outcome).toMatchObject({ code: 'DEAD_LETTER_FAILED', class: 'retriable' });
  });

  it('acknowledges nothing of a batch whose letters failed, where it is all or nothing', async () => {
    const writer = letterBox(() => new ConfigError('MISSING', 'The topic does not exist.'));
    const { partitions } = await deadLetter(settle([good(0), poison(1)], { mode: 'batch', dataErrors }), {
      writer,
      topic: 'orders.dlq',
      context,
      signal,
    });
    expect(partitions).toMatchObject([{ prefix: 0 }]);
    expect(partitions[0]?.deliveries[1]?.outcome).toMatchObject({ code: 'DEAD_LETTER_REFUSED', class: 'config' });
  });

  it('points at the origin where the record is too large to be written again', async () => {
    const writer = letterBox(({ value }) => (value === null ? 'delivered' : new DataError('SINK_RECORD_TOO_LARGE', 'too large')));
    const { partitions } = await deadLetter(settle([poison(0)], { mode: 'partial', dataErrors }), {
      writer,
      topic: 'orders.dlq',
      context,
      signal,
    });
    expect(partitions).toMatchObject([{ prefix: 1 }]);
    const last = writer.letters.at(-1);
    expect([last?.key, last?.value]).toEqual([null, null]);
    expect(texts(last?.headers ?? [])).toMatchObject({ '__connect.errors.offset': '0', [letterHeaders.bodyOmitted]: 'true' });
  });

  it('does not send a record of the dead letter topic round again', async () => {
    const writer = letterBox();
    const returning = { source: sourceRecord('k', 'v', { topic: 'orders.dlq', offset: 0 }), outcome: bad };
    const { partitions } = await deadLetter(settle([returning], { mode: 'partial', dataErrors }), {
      writer,
      topic: 'orders.dlq',
      context,
      signal,
    });
    expect(writer.letters).toEqual([]);
    expect(partitions).toMatchObject([{ prefix: 1 }]);
  });
});
