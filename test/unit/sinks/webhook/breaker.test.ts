import { describe, expect, it } from 'vitest';
import { circuitBreaker } from '../../../../lib/sinks/webhook/breaker.ts';

describe('circuitBreaker', () => {
  const setup = () => {
    const clock = { nowMs: 0 };
    return { clock, breaker: circuitBreaker({ failures: 3, openMs: 1_000 }, () => clock.nowMs) };
  };

  it('opens after failures in a row, and says how long', () => {
    const { breaker, clock } = setup();
    for (let n = 0; n < 3; n++) {
      expect(breaker.admit('a')).toBeUndefined();
      breaker.ended('a', 'failed');
    }
    clock.nowMs = 400;
    expect(breaker.admit('a')).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 600, class: 'retriable' });
    expect(breaker.admit('b')).toBeUndefined(); // another host
  });

  it('counts failures in a row only', () => {
    const { breaker } = setup();
    for (const how of ['failed', 'failed', 'answered', 'failed', 'failed'] as const) breaker.ended('a', how);
    expect(breaker.admit('a')).toBeUndefined();
  });

  it('lets one request try when the time is over, whose end decides', () => {
    const { breaker, clock } = setup();
    for (let n = 0; n < 3; n++) breaker.ended('a', 'failed');
    clock.nowMs = 1_000;
    expect(breaker.admit('a')).toBeUndefined();
    expect(breaker.admit('a')).toMatchObject({ code: 'CIRCUIT_OPEN' });
    breaker.ended('a', 'failed');
    expect(breaker.admit('a')).toMatchObject({ retryAfterMs: 1_000 });
    clock.nowMs = 2_000;
    expect(breaker.admit('a')).toBeUndefined();
    breaker.ended('a', 'answered');
    expect([breaker.admit('a'), breaker.admit('a')]).toEqual([undefined, undefined]);
  });

  it('lets another one try when the first was only given up', () => {
    const { breaker, clock } = setup();
    for (let n = 0; n < 3; n++) breaker.ended('a', 'failed');
    clock.nowMs = 1_000;
    breaker.admit('a');
    breaker.ended('a', 'unknown');
    expect(breaker.admit('a')).toBeUndefined();
  });
});
