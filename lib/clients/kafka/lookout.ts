import type { Cluster } from '../kafka.ts';
import { aborted, unlessAborted } from './abort.ts';
import { toConnectorError } from './errors.ts';
import type { LogInspector } from './log-inspector.ts';

/** Runs questions to a cluster over one connection, which is opened at the first and again after a failure. */
export interface Lookout {
  /** Throws a ConfigError or RetriableError. Aborted, it leaves nothing in flight. */
  ask<Answer>(question: (inspector: LogInspector) => Promise<Answer>, signal: AbortSignal): Promise<Answer>;
  close(): void;
}

export function lookout(cluster: Cluster): Lookout {
  let opened: Promise<LogInspector> | undefined;
  const drop = (): void => {
    const last = opened;
    opened = undefined;
    last?.then(
      (inspector) => inspector.destroy(),
      () => undefined,
    );
  };
  return {
    async ask(question, signal) {
      try {
        return await unlessAborted(async () => {
          opened ??= cluster.inspector();
          return await question(await opened);
        }, signal);
      } catch (error) {
        drop();
        throw signal.aborted ? aborted(error) : toConnectorError(error);
      }
    },
    close: drop,
  };
}
