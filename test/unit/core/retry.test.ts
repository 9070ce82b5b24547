import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, RetriableError } from '../../../lib/core/errors.ts';
import type { KafkaRecord } from '../../../lib/core/record.ts';
import { backoff, retrying } from '../../../lib/core/retry.ts';
import type { Outcome, Sink } from '../../../lib/core/sink.ts';
import { fakeClock } from '../../support/clock.ts';
import { record } from '../../support/records.ts';

const { signal } = new AbortController();
const policy = { baseMs: 100, capMs: 10_000, maxElapsedMs: 60_000 };
const down = (retryAfterMs?: number) => new RetriableError('DOWN', 'down', { retryAfterMs });

/** Answers each write with the next script; writes after the last script succeed. */
function scripted(...scripts: ((record: KafkaRecord) => Outcome)[]): Sink & { readonly writes: unknown[][] } {
  const writes: unknown[][] = [];
  return {
    writes,
    async write(records) {
      const script = scripts[writes.length];
      writes.push(records.map(({ value }) => value));
      return records.map((each) => script?.(each) ?? 'delivered');
    },
  };
}

describe('backoff', () => {
  it('stays between zero and the doubling bound, and never passes the cap', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const wait = backoff(attempt, policy, () => random);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThan(Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1)));
      }),
    ));
});

describe('retrying', () => {
  it('writes again only what failed retriably', async () => {
    const sink = scripted(({ value }) => (value === 'a' ? down() : value === 'b' ? new DataError('BAD', 'bad') : 'delivered'));
    const outcomes = await retrying(sink, policy, { clock: fakeClock() }).write(
      ['a', 'b', 'c'].map((value) => record(value, value)),
      { signal },
    );
    expect(sink.writes).toEqual([['a', 'b', 'c'], ['a']]);
    expect(outcomes.map((outcome) => (typeof outcome === 'string' ? outcome : outcome.code))).toEqual(['delivered', 'BAD', 'delivered']);
  });

  it('waits as long as the target asked for', async () => {
    const clock = fakeClock();
    await retrying(
      scripted(() => down(7_000)),
      policy,
      { clock },
    ).write([record('a', 'a')], { signal });
    expect(clock.pauses).toEqual([7_000]);
  });

  it('remembers a Retry-After that is longer than its time, and fails early until it has passed', async () => {
    const clock = fakeClock();
    const sink = scripted(() => down(120_000));
    const wrapped = retrying(sink, policy, { clock });
    expect(await wrapped.write([record('a', 'a')], { signal })).toMatchObject([{ code: 'DOWN' }]);
    expect(await wrapped.write([record('a', 'a')], { signal })).toMatchObject([{ code: 'SINK_THROTTLED' }]);
    expect(sink.writes).toHaveLength(1);
    clock.advance(120_001);
    expect(await wrapped.write([record('a', 'a')], { signal })).toEqual(['delivered']);
  });

  it('gives up before the deadline rather than waiting past it', async () => {
    const clock = fakeClock({ random: () => 0.99 });
    const sink = scripted(...Array(50).fill(() => down()));
    const from = clock.now();
    const outcomes = await retrying(sink, policy, { clock }).write([record('a', 'a')], { signal, deadline: from + 1_000 });
    expect(outcomes).toMatchObject([{ code: 'DOWN' }]);
    expect(clock.now() - from).toBeLessThan(1_000);
  });

  it('stops when its time is used up', async () => {
    const clock = fakeClock({ random: () => 0.99 });
    await retrying(scripted(...Array(500).fill(() => down())), policy, { clock }).write([record('a', 'a')], { signal });
    expect(clock.pauses.reduce((sum, pause) => sum + pause, 0)).toBeLessThanOrEqual(60_000);
  });

  it('does not write again once it was aborted', async () => {
    const controller = new AbortController();
    const sink = scripted(() => {
      controller.abort();
      return down();
    });
    await retrying(sink, policy, { clock: fakeClock() }).write([record('a', 'a')], { signal: controller.signal });
    expect(sink.writes).toHaveLength(1);
  });

  it('takes whatever a sink throws for an outage', async () => {
    let attempts = 0;
    const sink: Sink = {
      async write(records) {
        if (attempts++ === 0) throw new TypeError('broken');
        return records.map(() => 'delivered');
      },
    };
    expect(await retrying(sink, policy, { clock: fakeClock() }).write([record('a', 'a')], { signal })).toEqual(['delivered']);
  });
});
