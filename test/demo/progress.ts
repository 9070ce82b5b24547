import type { ConnectorMessage, Progress } from '../../lib/cli/run-messages.ts';
import { count, type Terminal } from '../../lib/cli/terminal.ts';

const barWidth = 24;

export interface ConnectorProgress {
  readonly name: string;
  readonly progress: Progress;
  /** Milliseconds from the first record to the last. */
  readonly ms: number;
}

export interface ProgressBoard {
  heard(connector: string, message: ConnectorMessage): void;
  /** Prints a line above the progress lines. */
  above(line: string): void;
  /** Leaves the progress lines as they are. */
  finish(): readonly ConnectorProgress[];
}

interface Row {
  readonly name: string;
  progress: Progress | undefined;
  firstAt: number | undefined;
  lastAt: number;
}

export interface Screen extends Terminal {
  readonly isTTY: boolean;
  raw(text: string): void;
}

/** One line per connector that says how far it is; redrawn in place on a terminal, printed once at the end elsewhere. */
export function progressBoard(out: Screen, names: readonly string[], totalOf: (name: string) => number, now: () => number): ProgressBoard {
  const rows: Row[] = names.map((name) => ({ name, progress: undefined, firstAt: undefined, lastAt: now() }));
  const width = Math.max(...names.map((name) => name.length));
  let drawn = 0;
  const erase = (): void => {
    if (drawn > 0) out.raw(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
  };
  const draw = (): void => {
    for (const row of rows) out.line(lineOf(row));
    drawn = rows.length;
  };
  const lineOf = ({ name, progress }: Row): string => {
    const done = settled(progress);
    const all = Math.max(totalOf(name), done + (progress?.lag ?? 0)); // more, where an earlier demo was interrupted
    const filled = all === 0 ? barWidth : Math.floor((done * barWidth) / all);
    const bar = out.style('cyan', '█'.repeat(filled)) + out.style('dim', '░'.repeat(barWidth - filled));
    const letters = progress?.deadLettered ?? 0;
    const dead = letters > 0 ? `   ${out.style('yellow', `${count(letters)} dead letters`)}` : '';
    const trouble = progress?.trouble === undefined ? '' : `   ${out.style('red', progress.trouble)}`;
    const figures = `${count(done).padStart(count(all).length)} of ${count(all)}   lag ${count(progress?.lag ?? all)}`;
    return `  ${name.padEnd(width)}  ${bar}  ${figures}${dead}${trouble}`;
  };

  if (out.isTTY) draw();
  return {
    heard(connector, message) {
      const row = rows.find(({ name }) => name === connector);
      if (row === undefined) return;
      if (message.type === 'progress') {
        if (settled(message.progress) > settled(row.progress)) row.lastAt = now();
        row.progress = message.progress;
      }
      if (message.type === 'joined') row.firstAt ??= now();
      // A broker that has just started is not ready for groups yet: that is no news before anybody has joined.
      const isNews = message.type !== 'ended' && (message.type !== 'disconnected' || row.firstAt !== undefined);
      if (isNews && 'code' in message) this.above(`  ${out.style('red', connector)}  ${message.code}  ${message.message ?? ''}`);
      if (!out.isTTY) return;
      erase();
      draw();
    },
    above(line) {
      if (out.isTTY) erase();
      out.line(line);
      if (out.isTTY) draw();
    },
    finish() {
      if (out.isTTY) erase();
      draw();
      return rows.flatMap(({ name, progress, firstAt, lastAt }) =>
        progress === undefined ? [] : [{ name, progress, ms: lastAt - (firstAt ?? lastAt) }],
      );
    },
  };
}

/** Records that are done with, one way or another. */
export function settled(progress: Progress | undefined): number {
  if (progress === undefined) return 0;
  return progress.delivered + progress.ignored + progress.dropped + progress.deadLettered + progress.skipped;
}
