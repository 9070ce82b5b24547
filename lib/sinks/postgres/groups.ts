import type { Row } from './rows.ts';

/** Positions of rows that one kind of statement can carry. */
export function grouped(rows: readonly Row[]): number[][] {
  const groups = new Map<string, number[]>();
  let lastName = '';
  let last: number[] | undefined;
  for (let index = 0; index < rows.length; index++) {
    const name = groupName(rows[index] as Row);
    if (last === undefined || name !== lastName) {
      last = groups.get(name) ?? [];
      groups.set(name, last);
      lastName = name;
    }
    last.push(index);
  }
  return [...groups.values()];
}

/** Rows that follow each other, cut where another statement has to begin. */
export function runs(rows: readonly Row[], most: number): Row[][] {
  const found: Row[][] = [];
  let run: Row[] = [];
  let name = '';
  const identities = new Set<string | null>();
  for (const row of rows) {
    const rowName = groupName(row);
    if (run.length === 0 || run.length >= most || rowName !== name || identities.has(row.identity)) {
      run = [];
      found.push(run);
      identities.clear();
      name = rowName;
    }
    run.push(row);
    identities.add(row.identity);
  }
  return found;
}

function groupName({ bytes, kind, shape }: Row): string {
  return `${kind === 'value' ? (bytes === undefined ? 'v' : 'r') : 't'}${shape}`;
}
