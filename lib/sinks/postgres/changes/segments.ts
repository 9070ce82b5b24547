import type { Settings } from '../options.ts';
import type { Cell } from '../rows.ts';
import type { ChangedRow, Operation } from './operations.ts';

/** What becomes of one row: it goes first, if it does, and then comes. */
export interface Entry {
  readonly remove: ChangedRow | undefined;
  readonly put: ChangedRow | undefined;
  /** Whether the change says that the row is there already. */
  readonly isUpdate: boolean;
}

/** Changes that may be made at once, as no two of them touch one row; or a truncate. */
export interface Segment {
  readonly truncate: ChangedRow | undefined;
  readonly entries: ReadonlyMap<string, Entry>;
  /** Whose outcome follows from which entries. */
  readonly touched: readonly { readonly position: number; readonly identities: readonly string[] }[];
}

/** Cuts changes into segments. With upserts the changes of one row come to one, unless the guard may have to decide between them. */
export function segmentsOf(operations: readonly Operation[], settings: Settings): readonly Segment[] {
  const segments: Segment[] = [];
  let entries = new Map<string, Entry>();
  let touched: { position: number; identities: readonly string[] }[] = [];
  const flush = (): void => {
    if (touched.length > 0) segments.push({ truncate: undefined, entries, touched });
    entries = new Map();
    touched = [];
  };
  const isCertain = operations.every(({ remove, put }) => (remove?.certain ?? true) && (put?.certain ?? true));
  for (const { position, type, remove, put, at } of operations) {
    if (type === 'truncate') {
      flush();
      segments.push({ truncate: at, entries: new Map(), touched: [{ position, identities: [] }] });
      continue;
    }
    const rows = [remove, put].filter((row) => row !== undefined);
    if (!isCertain || !rows.every((row) => mayFollow(entries.get(row.identity ?? ''), row, settings))) flush();
    if (remove !== undefined) entries.set(remove.identity ?? '', { remove, put: undefined, isUpdate: false });
    if (put !== undefined)
      entries.set(put.identity ?? '', joined(entries.get(put.identity ?? ''), put, type === 'update' && remove === undefined));
    touched.push({ position, identities: rows.map(({ identity }) => identity ?? '') });
  }
  flush();
  return segments;
}

/** Whether a row may join what the segment does to it already. */
function mayFollow(entry: Entry | undefined, row: ChangedRow, { write, guard }: Settings): boolean {
  if (entry === undefined) return true;
  if (write === 'insert') return false;
  const before = entry.put ?? entry.remove;
  if (guard.type === 'none' || before === undefined) return true;
  // The guard may keep out the row that would fill its gaps.
  if (row.isPartial) return false;
  const [a, b] = [before.record.version, row.record.version];
  if (a.topic !== b.topic || a.partition !== b.partition || a.epoch !== b.epoch) return false;
  if (a.offset > b.offset || (a.offset === b.offset && before.record.part > row.record.part)) return false;
  if (guard.type === 'version') return true;
  return before.guard !== null && row.guard !== null && BigInt(before.guard) <= BigInt(row.guard);
}

function joined(entry: Entry | undefined, put: ChangedRow, isUpdate: boolean): Entry {
  if (entry === undefined) return { remove: undefined, put, isUpdate };
  const { remove, put: before } = entry;
  if (before === undefined) return { remove, put, isUpdate: false };
  const cells: readonly Cell[] = put.cells.map((cell, index) => (cell === undefined ? before.cells[index] : cell));
  const shape = `-${cells.map((cell) => (cell === undefined ? '0' : '1')).join('')}`;
  // What the first change of a row did not tell may still be missing.
  return { remove, put: { ...put, cells, shape, isPartial: before.isPartial && put.isPartial }, isUpdate: false };
}
