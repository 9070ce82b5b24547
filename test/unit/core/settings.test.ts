import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { acknowledgeMode, checkSink, configVersion, parseSettings, readSettings } from '../../../lib/core/settings.ts';
import { defineSink } from '../../../lib/core/sink.ts';

const minimal = { trigger: { topic: 'quakes' }, sink: { type: 'test' } };
const sink = (idempotent: boolean) =>
  defineSink({
    name: 'test',
    summary: 'Tests.',
    config: Type.Object({ table: Type.Optional(Type.String()) }, { additionalProperties: false }),
    guarantees: () => ({ idempotent, ordered: false, deletes: false, partial: true }),
    limits: () => ({ records: 1, bytes: 1 }),
    permissions: () => [],
    open: async () => ({ write: async () => [] }),
  });
const messages = (raw: unknown) => readSettings(raw).problems.map(({ message }) => message);

describe('the settings of a connector', () => {
  it('need a topic and a sink, and nothing else', () => {
    expect(parseSettings(minimal)).toMatchObject({
      key: 'string',
      value: 'json',
      tombstones: 'pass',
      epoch: 0,
      onError: {},
      transforms: [],
    });
    expect(messages({})).toHaveLength(2);
  });

  it.each([
    [{ ...minimal, trigger: {} }, /either topic or topics, got neither/],
    [{ ...minimal, trigger: { topic: 'a', topics: ['b'] } }, /got both/],
    [{ ...minimal, onError: { deadLetterTopic: 'quakes' } }, /come back to it for ever/],
    [{ ...minimal, acknowledge: 'partial' }, /connector.trigger.pollers/],
    [{ ...minimal, onError: { tolerance: 'some' } }, /5% of 1000/],
    [{ ...minimal, trigger: { topic: 'a', startingPosition: 'AT_TIMESTAMP' } }, /startingPositionTimestamp/],
    [{ ...minimal, trigger: { topic: 'a b' } }, /connector.trigger.topic/],
    [{ ...minimal, onEror: {} }, /Did you mean "onError"/],
    [{ ...minimal, sink: {} }, /connector.sink.type/],
  ])('%j are refused', (raw, message) => {
    expect(messages(raw)).toEqual([expect.stringMatching(message)]);
  });

  it('acknowledge a whole batch, unless provisioned pollers can do better', () => {
    expect(acknowledgeMode(parseSettings(minimal))).toBe('batch');
    expect(acknowledgeMode(parseSettings({ ...minimal, trigger: { topic: 'quakes', pollers: {} } }))).toBe('partial');
    expect(acknowledgeMode(parseSettings({ ...minimal, trigger: { topic: 'quakes', pollers: {} }, acknowledge: 'batch' }))).toBe('batch');
  });

  it('say by their version whether they changed', () => {
    expect(configVersion(parseSettings(minimal))).toBe(configVersion(parseSettings(minimal)));
    expect(configVersion(parseSettings({ ...minimal, epoch: 1 }))).not.toBe(configVersion(parseSettings(minimal)));
  });
});

describe("the sink's options", () => {
  it('belong to the sink of the function', () => {
    const { problems } = checkSink(sink(true), parseSettings({ ...minimal, sink: { type: 'other' } }));
    expect(problems).toMatchObject([{ path: 'connector.sink.type', message: expect.stringContaining('"test"') }]);
  });

  it('are checked by its schema', () => {
    expect(checkSink(sink(true), parseSettings({ ...minimal, sink: { type: 'test', tabel: 'x' } })).problems).toMatchObject([
      { message: expect.stringContaining('Did you mean "table"') },
    ]);
    expect(checkSink(sink(true), parseSettings({ ...minimal, sink: { type: 'test', table: 'x' } }))).toMatchObject({
      config: { table: 'x' },
      problems: [],
    });
  });

  it('need acceptDuplicates where whole batches are repeated and the sink would write them twice', () => {
    expect(checkSink(sink(false), parseSettings(minimal)).problems).toMatchObject([
      { message: expect.stringContaining('acceptDuplicates: true') },
    ]);
    expect(checkSink(sink(false), parseSettings({ ...minimal, acceptDuplicates: true })).problems).toEqual([]);
    expect(checkSink(sink(false), parseSettings({ ...minimal, trigger: { topic: 'quakes', pollers: {} } })).problems).toEqual([]);
  });
});
