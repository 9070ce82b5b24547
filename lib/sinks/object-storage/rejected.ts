/** What an object does not hold although it is between its offsets: a whole record, or one part of it. */
export interface Rejected {
  readonly offset: number;
  /** Absent for the whole record. */
  readonly part?: number;
}

/** Most bytes that the rejected offsets take in the metadata of an object. */
export const maxRejectedBytes = 1_024;

/** The list as text: `7,12-15,20.1` for records 7 and 12 to 15, and part 1 of record 20. Expects it in ascending order. */
export function rejectedText(rejected: readonly Rejected[]): string {
  const items: string[] = [];
  let from = -1;
  let to = -1;
  const end = (): void => {
    if (from >= 0) items.push(from === to ? String(from) : `${from}-${to}`);
    from = -1;
  };
  for (const { offset, part } of rejected) {
    if (part !== undefined) {
      end();
      items.push(`${offset}.${part}`);
    } else if (from >= 0 && offset <= to + 1) to = offset;
    else {
      end();
      from = offset;
      to = offset;
    }
  }
  end();
  return items.join(',');
}

export type IsRejected = (offset: number, part: number) => boolean;

/** Reads the text; undefined when it is none. */
export function readRejected(text: string): IsRejected | undefined {
  if (text === '') return () => false;
  const ranges: (readonly [from: number, to: number])[] = [];
  const parts = new Set<string>();
  for (const item of text.split(',')) {
    const match = /^(\d+)(?:-(\d+)|\.(\d+))?$/.exec(item);
    if (match === null) return undefined;
    const [, from, to, part] = match;
    if (part === undefined) ranges.push([Number(from), Number(to ?? from)]);
    else parts.add(`${Number(from)}.${Number(part)}`);
  }
  return (offset, part) => ranges.some(([from, to]) => from <= offset && offset <= to) || parts.has(`${offset}.${part}`);
}

/** In the order of offsets, whole records before their parts. */
export function byOffset(a: Rejected, b: Rejected): number {
  return a.offset - b.offset || (a.part ?? -1) - (b.part ?? -1);
}
