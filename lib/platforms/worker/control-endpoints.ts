import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Check } from '../checks.ts';
import type { Counts } from './metrics.ts';
import type { Status } from './status.ts';

/** What a worker says of itself to who steers it. */
export interface WorkerReport extends Status {
  readonly service: string;
  readonly stage: string;
  readonly connector: string;
  readonly groupId: string;
  readonly counts: Counts;
  /** Records in the last second. */
  readonly inPerSecond: number;
  readonly deliveredPerSecond: number;
}

/** What a worker can be asked for. */
export interface WorkerDesk {
  /** Who asks has to show it. */
  readonly token: string;
  report(): WorkerReport;
  /** Drains, commits and leaves the group. */
  pause(): Promise<void>;
  resume(): void;
  /** Ends the process so that another takes its place. */
  restart(): void;
  check(): Promise<readonly Check[]>;
}

export const controlPath = '/control/';

/** Answers what is under `/control/`: an HTTP status and what is sent as JSON. Says nothing to who does not show the token. */
export async function answerControl(
  { method, url = '/', headers }: IncomingMessage,
  desk: WorkerDesk,
): Promise<{ readonly code: number; readonly body: object }> {
  if (!isAllowed(headers.authorization, desk.token)) return refused(401, 'Show the token of this worker: Authorization: Bearer TOKEN');
  const action = url.split('?')[0]?.slice(controlPath.length);
  if ((action === 'status') !== (method === 'GET')) return refused(405, 'status is answered to GET, everything else to POST');
  switch (action) {
    case 'status':
      break;
    case 'pause':
      await desk.pause();
      break;
    case 'resume':
      desk.resume();
      break;
    case 'restart':
      desk.restart();
      break;
    case 'checks':
      return { code: 200, body: { checks: await desk.check() } };
    default:
      return refused(404, 'There are status, pause, resume, restart and checks');
  }
  return { code: 200, body: desk.report() };
}

function refused(code: number, message: string): { readonly code: number; readonly body: object } {
  return { code, body: { message } };
}

/** Takes the same time for any wrong token. */
function isAllowed(authorization: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`));
}
