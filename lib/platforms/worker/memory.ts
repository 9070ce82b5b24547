import type { Clock } from '../../core/retry.ts';

/** One bound for all records that were fetched and are not settled, whatever the number of partitions. */
export interface Memory {
  add(bytes: number): void;
  /** Gives bytes back and wakes who waits for room. */
  free(bytes: number): void;
  isShort(): boolean;
  /** Resolves when bytes were given back, or after the time. */
  change(withinMs: number): Promise<void>;
}

export function boundedMemory(maxBytes: number, { sleep }: Pick<Clock, 'sleep'>): Memory {
  let bytes = 0;
  let freed: AbortController | undefined; // there only while somebody waits
  return {
    add(more) {
      bytes += more;
    },
    free(less) {
      bytes -= less;
      const wakes = freed;
      freed = undefined;
      wakes?.abort();
    },
    isShort: () => bytes > maxBytes,
    change(withinMs) {
      freed ??= new AbortController();
      return sleep(Math.max(1, withinMs), freed.signal);
    },
  };
}
