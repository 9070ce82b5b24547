import type { Settings } from './options.ts';
import type { Cell, Row } from './rows.ts';

/** Rows of one identity that are written as one, oldest first. */
export type Chain = readonly [Row, ...Row[]];

/** Cuts rows into chains that one statement may carry, one per identity, and what has to wait for them. */
export function nextRound(rows: readonly Row[], joins: (earlier: Row, later: Row) => boolean): { chains: Chain[]; later: Row[] } {
  const chains: [Row, ...Row[]][] = [];
  const open = new Map<string, [Row, ...Row[]] | 'closed'>();
  const later: Row[] = [];
  for (const row of rows) {
    const chain = row.identity === null ? undefined : open.get(row.identity);
    if (chain === undefined) {
      const started: [Row] = [row];
      chains.push(started);
      if (row.identity !== null) open.set(row.identity, started);
    } else if (chain !== 'closed' && joins(chain[chain.length - 1] ?? chain[0], row)) chain.push(row);
    else {
      if (row.identity !== null) open.set(row.identity, 'closed');
      later.push(row);
    }
  }
  return { chains, later };
}

/** Whether a later row may take the place of an earlier one of its identity without the earlier one being written. */
export function joinRule(settings: Settings, guardValue: (row: Row) => unknown): (earlier: Row, later: Row) => boolean {
  const { write } = settings;
  if (write === 'insert') return () => true;
  // Unknown fields are merged by the server, with what it has.
  if (write === 'update') return (earlier, later) => earlier.kind === 'value' && !earlier.alone && !later.alone && later.extra === null;
  const gives = wayRule(settings, guardValue);
  return (earlier, later) => saysAll(earlier, later) && gives(earlier, later);
}

/** Whether nothing of the earlier row would be left once the later one is written: a field with a default stays as it is where a record lacks it. */
function saysAll(earlier: Row, later: Row): boolean {
  if (later.kind === 'tombstone') return true;
  if (earlier.kind === 'tombstone') return !later.shape.includes('0');
  for (let index = 0; index < earlier.shape.length; index++) if (earlier.shape[index] === '1' && later.shape[index] !== '1') return false;
  return true;
}

/** Whether the guard, if any, would surely let the later row replace the earlier one. */
function wayRule({ guard }: Settings, guardValue: (row: Row) => unknown): (earlier: Row, later: Row) => boolean {
  if (guard.type === 'none') return () => true;
  if (guard.type === 'version') return followsInPartition;
  return (earlier, later) => {
    if (earlier.kind === 'tombstone' || later.kind === 'tombstone') return false;
    const [before, after] = [guardValue(earlier), guardValue(later)];
    // Only where the order of JavaScript is surely that of the column.
    if (typeof before !== 'number' || typeof after !== 'number') return false;
    // What the column rounds to the same is settled by version.
    return after >= before && followsInPartition(earlier, later);
  };
}

function followsInPartition(earlier: Row, later: Row): boolean {
  const [a, b] = [earlier.record, later.record];
  if (a.version.topic !== b.version.topic || a.version.partition !== b.version.partition || a.version.epoch !== b.version.epoch)
    return false;
  return a.version.offset < b.version.offset || (a.version.offset === b.version.offset && a.part <= b.part);
}

/** Whether a row stays as it is once it is there. */
export function firstWins({ write, key }: Settings): boolean {
  return write === 'insert' && (key.from === 'key' || key.from === 'value');
}

/** What is written for a chain: its last row, or for updates what all of them come to. */
export function rowOf(chain: Chain, settings: Settings): Row {
  const { write } = settings;
  if (firstWins(settings)) return chain[0];
  const last = chain[chain.length - 1] ?? chain[0];
  if (write !== 'update' || chain.length === 1 || last.kind === 'tombstone') return last;
  let cells: readonly Cell[] = chain[0].cells;
  const { extra } = chain[0];
  for (const row of chain.slice(1)) {
    const before = cells;
    cells = row.cells.map((cell, position) => (cell === undefined ? before[position] : cell));
  }
  const shape = `${extra === null ? '-' : '+'}${cells.map((cell) => (cell === undefined ? '0' : '1')).join('')}`;
  return { ...last, cells, extra, shape };
}

/** By identity, so that two workers lock the rows they share in the same order. */
export function byIdentity(a: Row, b: Row): number {
  const [left, right] = [a.identity ?? '', b.identity ?? ''];
  return left < right ? -1 : left > right ? 1 : a.position - b.position;
}
