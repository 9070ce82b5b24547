import type { Clock } from '../../core/retry.ts';

/** Rings once, at the earliest of the times that were asked for since it last rang. */
export interface Alarm {
  set(at: number | undefined): void;
  clear(): void;
}

export function alarm({ now, sleep }: Pick<Clock, 'now' | 'sleep'>, ring: () => void): Alarm {
  let next: { readonly at: number; readonly controller: AbortController } | undefined;
  const clear = (): void => {
    next?.controller.abort();
    next = undefined;
  };
  return {
    clear,
    set(at) {
      if (at === undefined || (next !== undefined && next.at <= at)) return;
      clear();
      const controller = new AbortController();
      next = { at, controller };
      void sleep(Math.max(0, at - now()), controller.signal).then(() => {
        if (controller.signal.aborted) return;
        next = undefined;
        ring();
      });
    },
  };
}
