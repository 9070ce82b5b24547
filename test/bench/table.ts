/** One measured figure, and what it is held against. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** What each run came to. */
  readonly runs: readonly number[];
  /** The one that is reported and stored. */
  readonly value: number;
  readonly reference?: { readonly what: string; readonly value: number };
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1] ?? 0;
  const high = sorted[sorted.length >> 1] ?? 0;
  return (low + high) / 2;
}

/** A figure reported by its median. */
export function typical(name: string, unit: string, runs: readonly number[], reference?: Figure['reference']): Figure {
  return { name, unit, runs, value: median(runs), ...(reference === undefined ? {} : { reference }) };
}

const titles = ['measured', 'figure', '', 'min', 'median', 'max', 'runs', 'held against', 'ratio'];

/** The figures as a table. A ratio is the figure divided by what it is held against. */
export function toTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, unit, runs, value, reference }) => [
    name,
    rounded(value),
    unit,
    rounded(Math.min(...runs)),
    rounded(median(runs)),
    rounded(Math.max(...runs)),
    String(runs.length),
    reference === undefined ? '' : `${reference.what} ${rounded(reference.value)}`,
    reference === undefined ? '' : (value / reference.value).toFixed(2),
  ]);
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const isText = (column: number): boolean => column === 0 || column === 2 || column === 7;
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (isText(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(titles), ...rows.map(line)].join('\n');
}

/** Three digits that mean something, thousands apart. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
