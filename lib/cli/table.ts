import { stripVTControlCharacters } from 'node:util';

/** A column's heading, and how its cells stand. */
export interface Column {
  readonly heading: string;
  readonly align?: 'right';
}

/** Rows as lines, their cells under each other. Colours do not count as width. */
export function tableLines(columns: readonly (Column | string)[], rows: readonly (readonly string[])[]): string[] {
  const all = [columns.map((column) => (typeof column === 'string' ? column : column.heading)), ...rows];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => width(row[index] ?? ''))));
  return all.map((row) =>
    columns
      .map((column, index) => {
        const cell = row[index] ?? '';
        const padding = ' '.repeat((widths[index] ?? 0) - width(cell));
        return typeof column === 'object' && column.align === 'right' ? padding + cell : cell + padding;
      })
      .join('   ')
      .trimEnd(),
  );
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** A text on several lines of at most so many characters, cut between words. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
