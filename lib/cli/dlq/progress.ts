import { count, type Output, terminal } from '../terminal.ts';

const width = 24;

export interface Progress {
  /** `note` stands behind the figures. */
  show(done: number, note: string): void;
  /** Takes the line away. */
  end(): void;
}

/** One line that is drawn again and again on a terminal, and nothing anywhere else. */
export function progressBar(output: Output, env: Readonly<Record<string, string | undefined>>, total: number, now: () => number): Progress {
  if (output.isTTY !== true || env['TERM'] === 'dumb') return { show: () => undefined, end: () => undefined };
  const { style } = terminal(output, env);
  const from = now();
  return {
    show(done, note) {
      const filled = total === 0 ? width : Math.min(width, Math.floor((done * width) / total));
      const bar = style('cyan', '█'.repeat(filled)) + style('dim', '░'.repeat(width - filled));
      const rate = Math.round((done * 1_000) / Math.max(1, now() - from));
      output.write(`\r\u001b[K  ${bar}  ${count(done)} of ${count(total)}   ${count(rate)}/s   ${note}`);
    },
    end: () => void output.write('\r\u001b[K'),
  };
}
