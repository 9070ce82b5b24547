import type { ObjectStore } from '../../clients/object-store.ts';
import { ConfigError } from '../../core/errors.ts';
import { type Description, type Element, readElement } from './element.ts';
import { objectName, padded, placeOf } from './names.ts';
import { inParallel } from './parallel.ts';
import type { Recent } from './recent.ts';
import { readRejected } from './rejected.ts';

/** What is there already of one chain in one path, as far as a gather is concerned. */
export interface Known {
  /** In the order of their first offsets. */
  readonly elements: readonly Element[];
  /** Late objects, as `offset.part`. */
  readonly late: ReadonlySet<string>;
}

/** Where a chain runs through one path. */
export interface Lane {
  readonly store: ObjectStore;
  readonly path: string;
  /** As `chainName` says. */
  readonly chain: string;
  readonly extension: string;
  readonly recent: Recent;
}

/** Most offsets between the first and the last record of an object: as far back as one can begin that covers a record. */
export const reach = 1_000_000;
/** Mostly the object before is near, and a listing begins at its far end. */
const windows = [1_000, 32_000, reach];
const headsAtOnce = 16;

/** Lists the objects that can hold records from one offset to another, both included, and reads what they cover. */
export async function lookBack(lane: Lane, from: number, to: number, signal: AbortSignal): Promise<Known> {
  const { store, path, chain, extension, recent } = lane;
  const prefix = prefixOf(lane);
  const firsts = new Set<number>();
  const late = new Set<string>();
  let nearest: number | undefined;
  const list = async (start: number, end: number): Promise<void> => {
    const range = { prefix, startAfter: `${prefix}${padded(start)}`, endBefore: `${prefix}${padded(end)}` };
    for await (const { name } of store.list(range, { signal })) {
      const place = placeOf(name, path, chain, extension);
      if (place === undefined) continue;
      const { first, latePart } = place;
      if (latePart !== undefined) {
        if (first >= from) late.add(`${first}.${latePart}`);
      } else if (first > from) firsts.add(first);
      else if (nearest === undefined || first > nearest) nearest = first;
    }
  };

  // No object spans another, so what begins before one that is known ends before it as well.
  const before = recent.get(prefix);
  const known = before !== undefined && before.first < from && from - before.first <= reach ? before : undefined;
  if (known !== undefined) await list(known.first + 1, to + 1);
  else
    for (let index = 0, end = to + 1; index < windows.length && nearest === undefined && end > 0; index++) {
      const start = Math.max(0, from - (windows[index] ?? reach));
      await list(start, end);
      end = start;
    }
  if (nearest !== undefined) firsts.add(nearest);
  const elements: Element[] = nearest === undefined && known !== undefined ? [known] : [];
  await inParallel([...firsts], headsAtOnce, async (first) => {
    const element = await readPlace(lane, first, signal);
    if (element !== undefined) elements.push(element);
  });
  elements.sort((a, b) => a.first - b.first);
  const last = elements.at(-1);
  if (last !== undefined) recent.set(prefix, last);
  return { elements, late };
}

/** Remembers an object that was just written: the next look back begins with it. */
export function remember(lane: Lane, { first, last, firstTimestamp, lastTimestamp, count, rejected }: Description): void {
  const isRejected = readRejected(rejected);
  if (isRejected !== undefined) lane.recent.set(prefixOf(lane), { first, last, firstTimestamp, lastTimestamp, count, isRejected });
}

/** What the names of a lane's objects begin with. */
function prefixOf({ path, chain }: Lane): string {
  return objectName(path, chain, { first: 0 }, '').slice(0, -padded(0).length);
}

/** What the object at this place holds; undefined when it is gone. */
async function readPlace({ store, path, chain, extension }: Lane, first: number, signal: AbortSignal): Promise<Element | undefined> {
  const name = objectName(path, chain, { first }, extension);
  const head = await store.head(name, { signal });
  if (head === undefined) return undefined;
  const element = readElement(head);
  if (element?.first === first) return element;
  throw foreign(name);
}

/** For an object under one of our names that does not say what is in it. */
export function foreign(name: string): ConfigError {
  const message = `The object ${name} does not say which records it holds, as if something else had written or copied it. Move it away, or raise connector.epoch, which changes all names.`;
  return new ConfigError('OBJECT_UNKNOWN', message);
}
