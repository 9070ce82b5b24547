import { RetriableError } from '../../core/errors.ts';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  readonly openMs: number;
}

/** Keeps requests from a host that does not answer. What it knows is a cache: a new instance begins closed. */
export interface Breaker {
  /** Why a request must not be sent now; undefined when it may, and then its end has to be told. */
  admit(host: string): RetriableError | undefined;
  /** How a request ended that was admitted: `unknown` says nothing about the host, as when the time for writing was over. */
  ended(host: string, how: 'answered' | 'failed' | 'unknown'): void;
}

interface Circuit {
  failures: number;
  openUntil: number;
  isTrying: boolean;
}

/** Opens after several failures in a row; after a while lets one request through, which closes it or opens it again. */
export function circuitBreaker({ failures: limit, openMs }: BreakerOptions, now: () => number): Breaker {
  const circuits = new Map<string, Circuit>();
  const of = (host: string): Circuit => {
    const known = circuits.get(host);
    if (known !== undefined) return known;
    const circuit = { failures: 0, openUntil: 0, isTrying: false };
    circuits.set(host, circuit);
    return circuit;
  };
  return {
    admit(host) {
      const circuit = of(host);
      if (circuit.failures < limit) return undefined;
      const leftMs = circuit.openUntil - now();
      if (leftMs > 0 || circuit.isTrying) {
        const message = `Not sent, as ${host} failed ${circuit.failures} times in a row`;
        return new RetriableError('CIRCUIT_OPEN', message, { retryAfterMs: Math.max(leftMs, 0) });
      }
      circuit.isTrying = true;
      return undefined;
    },
    ended(host, how) {
      const circuit = of(host);
      circuit.isTrying = false;
      if (how === 'answered') circuit.failures = 0;
      if (how !== 'failed') return;
      circuit.failures++;
      if (circuit.failures >= limit) circuit.openUntil = now() + openMs;
    },
  };
}

/** Lets everything through. */
export const noBreaker: Breaker = { admit: () => undefined, ended: () => undefined };
