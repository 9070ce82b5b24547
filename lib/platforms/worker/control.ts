import { ConfigError, errorName, RetriableError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import type { Check } from '../checks.ts';
import { type Change, type Control, type Observation, worstState } from '../control.ts';
import { controlPath, type WorkerReport } from './control-endpoints.ts';

/** How a worker is spoken to. */
export interface WorkerAddress {
  readonly url: string;
  readonly token: string;
}

export interface WorkerControl extends Control {
  readonly workers: readonly WorkerAddress[];
  reports(): Promise<readonly WorkerReport[]>;
  /** What one of them finds when it looks around from where it runs. */
  check(signal: AbortSignal): Promise<readonly Check[]>;
}

const askMs = 5_000;
/** Longer than a worker takes to drain, commit and leave. */
const drainMs = 60_000;

/** A connector that runs in worker processes: whatever is asked is asked of all of them. */
export function workerControl(workers: readonly WorkerAddress[], fetcher: typeof fetch = fetch): WorkerControl {
  const all = (action: string, timeoutMs: number, signal?: AbortSignal): Promise<readonly WorkerReport[]> =>
    Promise.all(workers.map(async (worker) => (await ask(worker, action, timeoutMs, fetcher, signal)) as unknown as WorkerReport));
  const change = (reports: readonly WorkerReport[], message: string): Change => ({
    state: worstState(reports.map(({ state }) => state)),
    isDone: true,
    message,
  });
  const processes = workers.length === 1 ? 'Its worker' : `Its ${workers.length} workers`;
  return {
    platform: 'worker',
    workers,
    reports: () => all('status', askMs),
    async status(): Promise<Observation> {
      return observe(await all('status', askMs));
    },
    pause: async (signal) =>
      change(
        await all('pause', drainMs, signal),
        `${processes} committed and left the consumer group: nothing is delivered until it is resumed.`,
      ),
    resume: async (signal) => change(await all('resume', askMs, signal), `${processes} joined the consumer group again.`),
    restart: async (signal) =>
      change(
        await all('restart', askMs, signal),
        `${processes} will drain, commit and end; sluice run starts new processes, which load the function and read secrets again. Settings stay as they were when sluice run began.`,
      ),
    async check(signal) {
      const [first] = workers;
      if (first === undefined) return [];
      const answer = await ask(first, 'checks', drainMs, fetcher, signal);
      return Array.isArray(answer['checks']) ? (answer['checks'] as Check[]) : [];
    },
  };
}

/** Which connector the worker at an address runs. */
export async function reportAt(worker: WorkerAddress, fetcher: typeof fetch = fetch): Promise<WorkerReport> {
  return (await ask(worker, 'status', askMs, fetcher)) as unknown as WorkerReport;
}

async function ask(
  { url, token }: WorkerAddress,
  action: string,
  timeoutMs: number,
  fetcher: typeof fetch,
  signal?: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const limit = AbortSignal.timeout(timeoutMs);
  let response: Response;
  let body: unknown;
  try {
    response = await fetcher(new URL(`.${controlPath}${action}`, url.endsWith('/') ? url : `${url}/`), {
      method: action === 'status' ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}` },
      redirect: 'error',
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    body = await response.json().catch(() => undefined);
  } catch (cause) {
    throw new RetriableError(
      'WORKER_UNREACHABLE',
      `The worker at ${url} does not answer (${errorName(cause)}). Look whether it runs, and whether it can be reached from here.`,
      { cause },
    );
  }
  if (response.status === 401)
    throw new ConfigError(
      'WORKER_REFUSED',
      `The worker at ${url} wants another token. Set SLUICE_CONTROL_TOKEN to the one that it was started with.`,
    );
  if (response.ok && isObject(body)) return body;
  throw new ConfigError(
    'WORKER_UNKNOWN',
    `What answers at ${url} is no worker of Sluice of this version (HTTP ${response.status}). Correct --workers.`,
  );
}

function observe(reports: readonly WorkerReport[]): Observation {
  const sum = (value: (report: WorkerReport) => number): number => reports.reduce((total, report) => total + value(report), 0);
  const state = worstState(reports.map((report) => report.state));
  const trouble = (reports.find((report) => report.state === state) ?? reports[0])?.trouble;
  const isMember = reports.some(({ partitions }) => partitions.length > 0);
  return {
    platform: 'worker',
    state,
    instances: reports.length,
    ...(isMember ? { lag: sum(({ lag }) => lag) } : {}),
    inPerSecond: sum(({ inPerSecond }) => inPerSecond),
    deliveredPerSecond: sum(({ deliveredPerSecond }) => deliveredPerSecond),
    deadLettered: sum(({ counts }) => counts.deadLettered),
    ...(trouble === undefined ? {} : { lastError: { code: trouble.code, message: trouble.message, since: trouble.since } }),
  };
}
