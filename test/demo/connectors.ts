import { run } from '../../lib/cli/run.ts';
import { count } from '../../lib/cli/terminal.ts';
import { type ConnectorProgress, progressBoard, type Screen } from './progress.ts';

const shownAlerts = 5;

export interface Running {
  readonly config: string;
  readonly names: readonly string[];
  /** How many records a connector has to read. */
  readonly totalOf: (name: string) => number;
  readonly brokers: string;
  /** What serverless.yml and the connectors take from the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How many seconds without any progress are too many. */
  readonly patience: number;
  readonly out: Screen;
  readonly signal: AbortSignal;
}

export interface Ran {
  readonly code: number;
  readonly progress: readonly ConnectorProgress[];
  /** What the functions printed. */
  readonly printed: readonly string[];
}

/** Runs connectors as `sluice run --until-caught-up` does, with progress lines instead of its report. */
export async function runConnectors({ config, names, totalOf, brokers, env, patience, out, signal }: Running): Promise<Ran> {
  const board = progressBoard(out, names, totalOf, Date.now);
  const printed: string[] = [];
  const code = await run(
    { config, only: names, brokers, untilCaughtUp: true, patience, json: true },
    {
      env,
      stdout: { write: (text) => void hear(text, printed, out, board.above) },
      stderr: process.stderr,
      signal,
      heard: (connector, message) => board.heard(connector, message),
    },
  );
  if (printed.length > shownAlerts) board.above(`  … and ${count(printed.length - shownAlerts)} more alerts`);
  return { code, progress: board.finish(), printed };
}

/** What the functions print: the first few alerts are shown as they come, what goes to standard error is always shown. */
function hear(text: string, printed: string[], out: Screen, show: (line: string) => void): void {
  const { event, stream, line, connector } = JSON.parse(text) as Readonly<Record<string, string>>;
  if (event !== 'output') return;
  if (stream === 'stdout') printed.push(line ?? '');
  if (stream === 'stderr') show(`  ${connector}  ${messageOf(line ?? '')}`);
  else if (printed.length <= shownAlerts) show(`  ${out.style('red', 'alert')}  ${line}`);
}

/** What a line of the connectors' log says; any other line as it is. */
function messageOf(line: string): string {
  try {
    const { level, message } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    return level === 'info' && typeof message === 'string' ? message : line;
  } catch {
    return line;
  }
}
