import { RetriableError } from '../../core/errors.ts';

/** Runs the work, and stops waiting for it when the signal aborts. */
export async function unlessAborted<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const stop = Promise.withResolvers<never>();
  const onAbort = (): void => stop.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(), stop.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

export function aborted(cause: unknown): RetriableError {
  return new RetriableError('ABORTED', 'Sending to Kafka was aborted, as its time was over', { cause });
}
