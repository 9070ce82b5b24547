import { styleText } from 'node:util';

/** Where a command prints, and whether that is a terminal which shows colours. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';

export interface Terminal {
  line(text?: string): void;
  /** The text in a colour where colours are wanted: on a terminal, without NO_COLOR. */
  style(style: Style, text: string): string;
}

export function terminal(output: Output, env: Readonly<Record<string, string | undefined>>): Terminal {
  const noColor = env['NO_COLOR'];
  const hasColor = output.isTTY === true && (noColor === undefined || noColor === '') && env['TERM'] !== 'dumb';
  return {
    line: (text = '') => void output.write(`${text}\n`),
    style: (style, text) => (hasColor ? styleText(style, text, { validateStream: false }) : text),
  };
}

/** Prints nothing, where a program reads the output. */
export const silentTerminal: Terminal = { line: () => undefined, style: (_, text) => text };

/** A count as people read it: 1,713. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 record`, `2 records`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}
