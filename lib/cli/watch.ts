import { watch } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** What commands write themselves, and what nobody edits. */
const ignored = /(^|[/\\])(node_modules|dist|\.[^/\\]+)([/\\]|$)/;
/** Editors write a file in several steps. */
const settleMs = 100;

/** Answers a function that waits until something in the folder has changed since it was last called; false once the signal aborts. */
export function folderChanges(folder: string, signal: AbortSignal): () => Promise<boolean> {
  let changed = Promise.withResolvers<void>();
  void (async () => {
    try {
      for await (const { filename } of watch(folder, { recursive: true, signal })) if (!ignored.test(filename ?? '')) changed.resolve();
    } catch (error) {
      if (!signal.aborted) changed.reject(error);
    }
  })();
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return async () => {
    await Promise.race([changed.promise, aborted]);
    await delay(settleMs, undefined, { signal }).catch(() => undefined);
    changed = Promise.withResolvers();
    return !signal.aborted;
  };
}
