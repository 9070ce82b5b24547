import { describe, expect, it } from 'vitest';
import { circuitBreaker, type Ended } from '../../../../lib/sinks/webhook/breaker.ts';

describe('circuitBreaker', () => {
  const setup = () => {
    const clock = { nowMs: 0 };
    const breaker = circuitBreaker({ failures: 3, openMs: 1_000 }, () => clock.nowMs);
    const admitted = (host = 'a'): Ended => {
      const ended = breaker.admit(host);
      if (typeof ended !== 'function') throw ended;
      return ended;
    };
    const end = (...how: Parameters<Ended>[0][]) => {
      for (const each of how) admitted()(each);
    };
    return { clock, breaker, admitted, end };
  };

  it('opens after failures in a row, and says how long', () => {
    const { breaker, clock, end, admitted } = setup();
    end('failed', 'failed', 'failed');
    clock.nowMs = 400;
    expect(breaker.admit('a')).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 600, class: 'retriable' });
    admitted('b'); // another host
  });

  it('counts failures in a row only', () => {
    const { end } = setup();
    end('failed', 'failed', 'answered', 'failed', 'failed', 'unknown');
  });

  it('lets one request try when the time is over, whose end decides', () => {
    const { breaker, clock, end, admitted } = setup();
    end('failed', 'failed', 'failed');
    clock.nowMs = 1_000;
    const trial = admitted();
    expect(breaker.admit('a')).toMatchObject({ code: 'CIRCUIT_OPEN' });
    trial('failed');
    expect(breaker.admit('a')).toMatchObject({ retryAfterMs: 1_000 });
    clock.nowMs = 2_000;
    end('answered');
    for (const ended of [admitted(), admitted()]) ended('answered');
  });

  it('lets another one try when the first was only given up', () => {
    const { clock, end, admitted } = setup();
    end('failed', 'failed', 'failed');
    clock.nowMs = 1_000;
    end('unknown');
    admitted();
  });

  it('lets no second one try because a request from before it opened ends meanwhile', () => {
    const { breaker, clock, end, admitted } = setup();
    const early = [admitted(), admitted()];
    end('failed', 'failed', 'failed');
    clock.nowMs = 1_000;
    admitted();
    early[0]?.('unknown');
    expect(breaker.admit('a')).toMatchObject({ code: 'CIRCUIT_OPEN' });
    early[1]?.('failed');
    clock.nowMs = 5_000;
    expect(breaker.admit('a')).toMatchObject({ code: 'CIRCUIT_OPEN' });
  });
});
