import { describe, expect, it } from 'vitest';
import { identityOf, originalHeaders, readLetter, replaysOf } from '../../../../lib/cli/dlq/dead-letter.ts';
import { replayHeaders } from '../../../../lib/cli/dlq/to-sink.ts';
import type { Header, SourceRecord } from '../../../../lib/core/record.ts';
import { letterOf, letterRecord } from './letters.ts';

const header = (key: string, value: string): Header => ({ key, value: Buffer.from(value) });
const names = (headers: readonly Header[]): string[] => headers.map(({ key, value }) => `${key}=${String(value)}`);

const connectHeaders = [
  header('__connect.errors.topic', 'orders'),
  header('__connect.errors.partition', '2'),
  header('__connect.errors.offset', '17'),
  header('__connect.errors.connector.name', 'pg-sink'),
  header('__connect.errors.task.id', '0'),
  header('__connect.errors.stage', 'VALUE_CONVERTER'),
  header('__connect.errors.class.name', 'org.apache.kafka.connect.json.JsonConverter'),
  header('__connect.errors.exception.class.name', 'org.apache.kafka.connect.errors.DataException'),
  header('__connect.errors.exception.message', 'row 17 is odd'),
];
const foreign = (headers: readonly Header[]): SourceRecord => ({
  origin: { topic: 'orders.dlq', partition: 0, offset: 4 },
  timestamp: 99,
  timestampType: 'create',
  headers,
  key: null,
  value: Buffer.from('v'),
});

describe('a dead letter', () => {
  it('says what the pipeline wrote of it', () => {
    expect(letterOf({ at: 3, message: 'too large (orders-2@17)', failedParts: [0, 2], stage: 'sink' })).toMatchObject({
      place: { topic: 'orders.dlq', partition: 0, offset: 3 },
      writtenBy: 'sluice',
      connector: 'orders',
      origin: { topic: 'orders', partition: 2, offset: 17 },
      version: { topic: 'orders', partition: 2, offset: 17, epoch: 3 },
      parts: [0, 2],
      stage: 'sink',
      code: 'SINK_REJECTED_RECORD',
      attempts: 1,
      rounds: 0,
      firstFailure: 1_000,
      lastFailure: 1_000,
      timestamp: 5,
      isBodyOmitted: false,
    });
  });

  it('is understood as Kafka Connect writes it', () => {
    expect(readLetter(foreign(connectHeaders))).toMatchObject({
      writtenBy: 'kafka-connect',
      connector: 'pg-sink',
      origin: { topic: 'orders', partition: 2, offset: 17 },
      version: undefined,
      stage: 'value',
      code: 'DataException',
      message: 'row 17 is odd',
      lastFailure: 99,
    });
  });

  it('groups what Kafka Connect says without the numbers in it', () => {
    const other = [...connectHeaders.slice(0, -1), header('__connect.errors.exception.message', 'row 18 is odd')];
    const different = [...connectHeaders.slice(0, -1), header('__connect.errors.exception.message', 'row 18 is even')];
    const [a, b, c] = [connectHeaders, other, different].map((headers) => readLetter(foreign(headers)).fingerprint);
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });

  it('is of its last failure when it failed twice', () => {
    const again = [
      ...connectHeaders,
      header('__connect.errors.topic', 'orders'),
      header('__connect.errors.partition', '0'),
      header('__connect.errors.offset', '44'),
    ];
    expect(readLetter(foreign(again)).origin).toEqual({ topic: 'orders', partition: 0, offset: 44 });
  });

  it('without any context is a letter all the same, and one of its own', () => {
    const letter = readLetter(foreign([header('trace', 'x')]));
    expect(letter).toMatchObject({ writtenBy: 'unknown', connector: undefined, origin: undefined, stage: 'unknown', code: 'UNKNOWN' });
    expect(identityOf(letter)).toBe('at orders.dlq-0@4');
  });

  it('has the record’s own headers in front, repeats and all', () => {
    const own = [header('a', '1'), header('b', '2'), header('a', '3')];
    expect(names(originalHeaders(letterRecord({ source: { headers: own } }).headers))).toEqual(['a=1', 'b=2', 'a=3']);
    expect(originalHeaders(own)).toEqual(own);
  });

  it('that comes back keeps its version, counts attempts, and is the same failure as before', () => {
    const first = letterOf({ failedParts: [1] });
    const back = { origin: { topic: 'replays', partition: 0, offset: 500 }, headers: [header('a', '1'), ...replayHeaders(first)] };
    const record = letterRecord({ at: 9, now: 7_000, failedParts: [1], source: back });
    const second = readLetter(record);
    expect(second).toMatchObject({
      version: first.version,
      attempts: 2,
      firstFailure: 1_000,
      lastFailure: 7_000,
      timestamp: 5,
      parts: [1],
    });
    expect(identityOf(second)).toBe(identityOf(first));
    expect(replaysOf(first)).toBe(0);
    expect(replaysOf(second)).toBe(1);
    expect(names(originalHeaders(record.headers))).toEqual(['a=1']);
  });

  it('that went round by its topic says how often', () => {
    const letter = letterOf({ source: { headers: [header('sluice.replays', '2')] } });
    expect(letter.rounds).toBe(2);
    expect(replaysOf(letter)).toBe(2);
  });
});
