/** Where a connector runs. */
export type Platform = 'lambda' | 'worker';

/**
 * What a connector does at the moment. waiting: the target does not take records, which is tried again. blocked: a person has to change
 * something. failing: deliveries fail, and the platform does not say why. absent: it is not there.
 */
export type RunState =
  | 'absent'
  | 'starting'
  | 'rebalancing'
  | 'running'
  | 'pausing'
  | 'paused'
  | 'partly paused'
  | 'updating'
  | 'stopping'
  | 'stopped'
  | 'failing'
  | 'disconnected'
  | 'waiting'
  | 'blocked';

/** What a platform says of a connector; what it does not know is left out. */
export interface Observation {
  readonly platform: Platform;
  readonly state: RunState;
  /** Workers that run it, or triggers that feed it. */
  readonly instances: number;
  /** Records that are not acknowledged yet. */
  readonly lag?: number;
  readonly inPerSecond?: number;
  readonly deliveredPerSecond?: number;
  /** Letters since its workers started. */
  readonly deadLettered?: number;
  readonly lastError?: ObservedError;
}

export interface ObservedError {
  readonly code?: string;
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly since?: number;
}

/** What became of a request. */
export interface Change {
  readonly state: RunState;
  /** False while the platform still works on it. */
  readonly isDone: boolean;
  /** One sentence: what was done, or what still goes on. */
  readonly message: string;
}

/** One connector on one platform, seen and steered from outside. Every call throws a ConfigError or RetriableError that says what to do. */
export interface Control {
  readonly platform: Platform;
  status(): Promise<Observation>;
  /** Ends deliveries; answers once none is under way and the group is left, or the signal aborts. What is not delivered stays in Kafka. */
  pause(signal: AbortSignal): Promise<Change>;
  resume(signal: AbortSignal): Promise<Change>;
  /** Starts it anew, with secrets read again and connections opened again. */
  restart(signal: AbortSignal): Promise<Change>;
}

const severities: readonly RunState[] = [
  'blocked',
  'failing',
  'waiting',
  'disconnected',
  'stopping',
  'pausing',
  'partly paused',
  'updating',
  'starting',
  'rebalancing',
  'running',
  'stopped',
  'paused',
  'absent',
];

/** The one of several states that people should know of first. */
export function worstState(states: readonly RunState[]): RunState {
  const isSplit = states.includes('paused') && states.some((state) => state === 'running' || state === 'rebalancing');
  if (isSplit && !states.some((state) => severities.indexOf(state) < severities.indexOf('partly paused'))) return 'partly paused';
  return severities.find((state) => states.includes(state)) ?? 'absent';
}
