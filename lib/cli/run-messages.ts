import type { Counts } from '../platforms/worker/metrics.ts';
import type { Fact } from '../platforms/worker/news.ts';
import type { State } from '../platforms/worker/status.ts';

/** What the process of a connector is told before it does anything. It goes over the process channel: arguments are seen by everybody. */
export interface ConnectorStart {
  readonly name: string;
  readonly service: string;
  readonly stage: string;
  readonly handlerFile: string;
  readonly exportName: string;
  /** As serverless.yml has them, variables resolved; secrets are references. */
  readonly connector: unknown;
  readonly cluster: unknown;
  readonly groupId: string;
  readonly batchTimeoutMs: number;
  readonly untilCaughtUp?: { readonly patienceMs: number } | undefined;
  readonly metricsPort?: number | undefined;
  /** Where metrics and control are served; the loopback interface when not given. */
  readonly metricsHost?: string | undefined;
  /** It was paused when its process ended. */
  readonly isPaused?: boolean;
}

/** One measurement a second, and one at the end. */
export interface Progress extends Counts {
  readonly state: State;
  readonly lag: number;
  /** Records in, in the last second. */
  readonly rate: number;
  /** Records that the target took in the last second. */
  readonly deliveredRate: number;
  /** The code of what keeps records from going on. */
  readonly trouble?: string;
}

export type ConnectorMessage =
  | Fact
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'serving'; readonly url: string }
  /** It was asked to, from outside. */
  | { readonly type: 'paused' | 'resumed' }
  /** Nothing runs before something is set differently. */
  | { readonly type: 'unusable'; readonly code: string; readonly message: string }
  | {
      readonly type: 'ended';
      readonly reason: 'stopped' | 'caught-up' | 'stuck' | 'restarting';
      readonly isCommitted: boolean;
      readonly code?: string;
      readonly message?: string;
    };
