import { RetriableError } from '../../core/errors.ts';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  readonly openMs: number;
}

/** Keeps requests from a host that does not answer. What it knows is a cache: a new instance begins closed. */
export interface Breaker {
  /** Why a request must not be sent now, or what has to be told how the request ended. */
  admit(host: string): RetriableError | Ended;
}

/** How a request ended: `unknown` says nothing about the host, as when the time for writing was over. */
export type Ended = (how: 'answered' | 'failed' | 'unknown') => void;

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
  const ended = (circuit: Circuit, how: Parameters<Ended>[0]): void => {
    if (how === 'answered') circuit.failures = 0;
    if (how !== 'failed') return;
    circuit.failures++;
    if (circuit.failures >= limit) circuit.openUntil = now() + openMs;
  };
  return {
    admit(host) {
      const circuit = of(host);
      if (circuit.failures < limit) return (how) => ended(circuit, how);
      const leftMs = circuit.openUntil - now();
      if (leftMs > 0 || circuit.isTrying) {
        const message = `Not sent, as ${host} failed ${circuit.failures} times in a row`;
        return new RetriableError('CIRCUIT_OPEN', message, { retryAfterMs: Math.max(leftMs, 0) });
      }
      circuit.isTrying = true;
      return (how) => {
        circuit.isTrying = false; // no other request may say so, least of all one from before it opened
        ended(circuit, how);
      };
    },
  };
}

/** Lets everything through. */
export const noBreaker: Breaker = { admit: () => () => undefined };
