import { describe, expect, it } from 'vitest';
import { ConfigError, DataError, RetriableError } from '../../../../lib/core/errors.ts';
import type { KafkaRecord } from '../../../../lib/core/record.ts';
import type { Operation } from '../../../../lib/sinks/elasticsearch/bulk.ts';
import type { Stamp } from '../../../../lib/sinks/elasticsearch/document.ts';
import { decide, type StoredDocument } from '../../../../lib/sinks/elasticsearch/settle.ts';
import { type RecordOptions, record } from '../../../support/records.ts';

const operation = (each: KafkaRecord, name: Operation['name'] = 'index', guard?: string): Operation => ({
  ...{ record: each, name, guard, index: 'i', id: 'a', routing: undefined },
  ...{ start: 0, document: 0, end: 0 },
});
const incoming = (options: RecordOptions = {}) => record('a', {}, { topic: 't', partition: 1, offset: 50, timestamp: 1_000, ...options });
const stored = (stamp: Partial<Stamp> | null): StoredDocument => ({
  stamp: stamp && { ...{ topic: 't', partition: 1, epoch: 0, offset: 60, part: 0, timestamp: 1_500, writtenAt: 2_000 }, ...stamp },
  sequence: 4,
  term: 1,
});

describe('a conflict of whole documents by version', () => {
  it('is ignored where the stored offset is higher', () => {
    expect(decide(operation(incoming()), stored({}))).toBe('ignored');
  });

  it('is a replay where the stored version is the same', () => {
    expect(decide(operation(incoming()), stored({ offset: 50 }))).toBe('delivered');
  });

  it('compares parts of one offset', () => {
    expect(decide(operation(incoming()), stored({ offset: 50, part: 1 }))).toBe('ignored');
    expect(decide(operation(incoming({ part: 2 })), stored({ offset: 50, part: 1 }))).toBe('rewrite');
  });

  it('is written where somebody else raised the version of an older document', () => {
    expect(decide(operation(incoming()), stored({ offset: 40 }))).toBe('rewrite');
  });

  it.each([[{ partition: 2 }], [{ topic: 'other' }]])('is GUARD_AHEAD where the document of the same epoch has %j', (stamp) => {
    expect(decide(operation(incoming()), stored(stamp))).toMatchObject({ code: 'GUARD_AHEAD', class: 'config' });
  });

  it('is GUARD_AHEAD where the document was written before the record existed', () => {
    expect(decide(operation(incoming({ timestamp: 2_001 })), stored({}))).toMatchObject({ code: 'GUARD_AHEAD' });
    expect(decide(operation(incoming({ timestamp: 2_000 })), stored({}))).toBe('ignored');
  });

  it('says nothing by the time of a replayed dead letter', () => {
    const letter = { ...incoming({ timestamp: 9_999 }), origin: { topic: 't.dlq', partition: 0, offset: 3 } };
    expect(decide(operation(letter), stored({}))).toBe('ignored');
  });

  it('goes by the epoch first, wherever the document comes from', () => {
    expect(decide(operation(incoming()), stored({ epoch: 1, partition: 7, offset: 1 }))).toBe('ignored');
    expect(decide(operation(incoming({ epoch: 2 })), stored({ epoch: 1, partition: 7 }))).toBe('rewrite');
  });

  it('is ignored where a hard delete is still remembered, and GUARD_AHEAD at the document of somebody else', () => {
    expect(decide(operation(incoming()), undefined)).toBe('ignored');
    expect(decide(operation(incoming()), stored(null))).toMatchObject({ code: 'GUARD_AHEAD' });
  });
});

describe('a conflict of whole documents by a field', () => {
  const decideBy = (guard: string, stamp: Partial<Stamp>, options?: RecordOptions) =>
    decide(operation(incoming(options), 'index', guard), stored(stamp));

  it('goes by the field, digit by digit', () => {
    expect(decideBy('9007199254740993', { guard: '9007199254740992', offset: 90 })).toBe('rewrite');
    expect(decideBy('9007199254740992', { guard: '9007199254740993', offset: 10 })).toBe('ignored');
  });

  it('settles a tie by the version', () => {
    expect(decideBy('5', { guard: '5', offset: 40 })).toBe('rewrite');
    expect(decideBy('5', { guard: '5', offset: 50 })).toBe('delivered');
    expect(decideBy('5', { guard: '5', offset: 60 })).toBe('ignored');
  });

  it('is tried again where the document is just being deleted', () => {
    expect(decide(operation(incoming(), 'index', '5'), undefined)).toBeInstanceOf(RetriableError);
  });
});

describe('a conflict of new documents', () => {
  const create = (stamp: Partial<Stamp> | null, options?: RecordOptions) => decide(operation(incoming(options), 'create'), stored(stamp));

  it('is a replay where the document is of the same record', () => {
    expect(create({ offset: 50 })).toBe('delivered');
  });

  it('is a data error where the document is of somebody else or of an earlier record', () => {
    expect(create(null)).toBeInstanceOf(DataError);
    expect(create({ offset: 40 })).toBeInstanceOf(DataError);
    expect(create({ partition: 3 })).toBeInstanceOf(DataError);
  });

  it('is ignored where a later record has made the document', () => {
    expect(create({ offset: 60 })).toBe('ignored');
  });

  it('is GUARD_AHEAD where the same offset was written before the record existed', () => {
    const verdict = create({ offset: 50 }, { timestamp: 2_001 });
    expect(verdict).toBeInstanceOf(ConfigError);
    expect(verdict).toMatchObject({ code: 'GUARD_AHEAD' });
  });
});

it('passes on that the stored document could not be read', () => {
  const error = new RetriableError('SINK_UNAVAILABLE', 'x');
  expect(decide(operation(incoming()), error)).toBe(error);
});
