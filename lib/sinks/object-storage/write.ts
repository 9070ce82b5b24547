import type { ObjectHeaders, ObjectStore } from '../../clients/object-store.ts';
import { ConfigError, type ConnectorError, DataError, RetriableError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { KafkaRecord } from '../../core/record.ts';
import type { Outcome } from '../../core/sink.ts';
import { type Format, type ObjectWriter, objectWriter } from './body.ts';
import type { Compressor } from './compress.ts';
import { addOne, addUnit, type Draft, isFull, type ObjectLimits } from './draft.ts';
import { type Description, type Element, readElement, toMetadata } from './element.ts';
import type { Gather, Group } from './gather.ts';
import { foreign, type Known, type Lane, lookBack, remember } from './look-back.ts';
import { chainName, objectName } from './names.ts';
import { inParallel } from './parallel.ts';
import type { Recent } from './recent.ts';
import type { Rejected } from './rejected.ts';

/** Where objects go and what they look like. */
export interface Target {
  readonly store: ObjectStore;
  readonly format: Format;
  readonly compressor: Compressor;
  readonly limits: ObjectLimits;
  readonly log: Log;
  readonly recent: Recent;
}

const lateAtOnce = 8;

/** Writes what is not there yet of one path, and notes the outcome of each record. Throws a ConnectorError that counts for the whole partition. */
export async function writeGroup(target: Target, gather: Gather, group: Group, outcomes: Outcome[], signal: AbortSignal): Promise<void> {
  const writer = groupWriter(target, gather, group, outcomes, signal);
  await (group.isReplay ? writer.writeReplays() : writer.writeAll());
}

function groupWriter(target: Target, gather: Gather, group: Group, outcomes: Outcome[], signal: AbortSignal) {
  const { records, positions } = group;
  const { store, format, compressor, limits, log, recent } = target;
  const extension = `${format.extension}${compressor.extension}`;
  const lane: Lane = { store, path: group.path, chain: chainName(group.chain), extension, recent };
  const offsetAt = (index: number): number => records[index]?.version.offset ?? Number.POSITIVE_INFINITY;

  const look = async (from: number, to: number): Promise<Known> => {
    const known = await lookBack(lane, from, to, signal);
    for (const element of known.elements) checkSameTopic(element, gather, group);
    return known;
  };

  /** Stores one object; false when its name is taken. */
  const create = async (name: string, bytes: Uint8Array, description: Description): Promise<boolean> => {
    const headers: ObjectHeaders = { contentType: compressor.contentType ?? format.contentType, metadata: toMetadata(description) };
    const body = await compressor.compress(bytes);
    if (signal.aborted) throw new RetriableError('ABORTED', 'The time for writing is over');
    return (await store.create(name, body, headers, { signal })) === 'created';
  };

  /** Some record that could not be decoded before, or comes from the dead letter topic: in an object of its own, under a name that only it can have. */
  const writeLate = async (index: number): Promise<void> => {
    const record = records[index] as KafkaRecord;
    const position = positions[index] as number;
    const { offset } = record.version;
    const writer = objectWriter(format, (record.size ?? 0) + 256);
    try {
      writer.add(record);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      outcomes[position] = error;
      return;
    }
    const { timestamp } = record;
    const name = objectName(lane.path, lane.chain, { first: offset, latePart: record.part }, extension);
    const range = { first: offset, last: offset, firstTimestamp: timestamp, lastTimestamp: timestamp };
    try {
      if (!(await create(name, writer.finish(), { ...group.chain, ...range, count: 1, rejected: '' }))) await checkLate(name, record);
      outcomes[position] = 'delivered';
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      outcomes[position] = error;
    }
  };

  const checkLate = async (name: string, { timestamp, version }: KafkaRecord): Promise<void> => {
    const head = await store.head(name, { signal });
    if (head === undefined) throw new RetriableError('OBJECT_GONE', `The object ${name} was deleted while it was looked at`);
    const element = readElement(head);
    if (element === undefined) throw foreign(name);
    if (element.firstTimestamp !== timestamp) throw guardAhead(group, version.offset);
  };

  /** Takes records from an index on, up to where an object ends; those that need none get their outcome. */
  const fill = (start: number, known: Known, late: number[]): { readonly draft: Draft | undefined; readonly end: number } => {
    const rejected = gather.rejected;
    let next = 0;
    while (next < rejected.length && (rejected[next] as Rejected).offset < offsetAt(start)) next++;
    const pending: Rejected[] = [];
    let draft: Draft | undefined;
    let isWritten = false;
    let limit = Number.POSITIVE_INFINITY;
    const isNew = known.elements.length === 0 && known.late.size === 0;
    let writer: ObjectWriter | undefined;
    for (let index = start; index < records.length; ) {
      const offset = offsetAt(index);
      let end = index + 1;
      while (offsetAt(end) === offset) end++;
      const element = elementAt(known.elements, offset);
      if (draft !== undefined && (element !== undefined || offset > limit || isFull(draft, offset, limits))) return { draft, end: index };
      if (draft === undefined) pending.length = 0; // no object spans what comes before its first record
      for (; next < rejected.length && (rejected[next] as Rejected).offset <= offset; next++) pending.push(rejected[next] as Rejected);
      if (
        draft !== undefined &&
        isNew &&
        end === index + 1 &&
        pending.length === 0 &&
        addOne(draft, records[index] as KafkaRecord, positions[index] as number)
      ) {
        index = end;
        continue;
      }
      const fresh: number[] = [];
      for (let each = index; each < end; each++) {
        const { part } = records[each] as KafkaRecord;
        if ((element !== undefined && covers(element, offset, part)) || known.late.has(`${offset}.${part}`))
          outcomes[positions[each] as number] = 'delivered';
        else if (element !== undefined) late.push(each);
        else fresh.push(each);
      }
      index = end;
      if (fresh.length === 0) continue;
      const unit = {
        offset,
        records: fresh.map((each) => records[each] as KafkaRecord),
        positions: fresh.map((each) => positions[each] as number),
      };
      writer ??= objectWriter(format, capacityFor(records, start, limits));
      const answer = addUnit(draft, unit, pending, { writer, outcomes });
      if (answer === 'full') return { draft, end: fresh[0] as number };
      draft = answer;
      if (draft !== undefined && !isWritten) {
        isWritten = true;
        limit = known.elements.find(({ first }) => first > offset)?.first ?? Number.POSITIVE_INFINITY;
      }
    }
    return { draft, end: records.length };
  };

  /** False when another object has the name. */
  const storeDraft = async (draft: Draft): Promise<boolean> => {
    const { first, last, firstTimestamp, lastTimestamp, writer } = draft;
    const name = objectName(lane.path, lane.chain, { first }, extension);
    const description = { ...group.chain, first, last, firstTimestamp, lastTimestamp, count: writer.count, rejected: draft.rejectedText };
    let outcome: Outcome = 'delivered';
    try {
      if (!(await create(name, writer.finish(), description))) return false;
      remember(lane, description);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      if (error.code === 'SINK_TOO_LARGE' && first !== last) throw tooLarge(error);
      outcome = error;
    }
    for (const position of draft.positions) outcomes[position] = outcome;
    return true;
  };

  return {
    async writeAll(): Promise<void> {
      const last = offsetAt(records.length - 1);
      let known = trusted(await look(offsetAt(0), last), group, log);
      const late: number[] = [];
      for (let at = 0; at < records.length; ) {
        const { draft, end } = fill(at, known, late);
        if (draft === undefined || (await storeDraft(draft))) {
          at = end;
          continue;
        }
        known = trusted(await look(draft.first, last), group, log);
        if (elementAt(known.elements, draft.first) === undefined)
          throw new RetriableError('OBJECT_GONE', `An object of ${lane.chain} was deleted while it was looked at`);
        while (offsetAt(at) < draft.first) at++;
        late.splice(0, late.length, ...late.filter((index) => index < at));
      }
      await inParallel(late, lateAtOnce, writeLate);
    },
    async writeReplays(): Promise<void> {
      const indexes = records.map((_, index) => index);
      await inParallel(indexes, lateAtOnce, async (index) => {
        const { version, part } = records[index] as KafkaRecord;
        const { elements } = await look(version.offset, version.offset);
        const element = elementAt(elements, version.offset);
        if (element !== undefined && covers(element, version.offset, part)) outcomes[positions[index] as number] = 'delivered';
        else await writeLate(index);
      });
    },
  };
}

/** The object whose range an offset falls into. */
function elementAt(elements: readonly Element[], offset: number): Element | undefined {
  let low = 0;
  let high = elements.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((elements[middle] as Element).first <= offset) low = middle + 1;
    else high = middle;
  }
  const element = elements[low - 1];
  return element !== undefined && offset <= element.last ? element : undefined;
}

function covers({ isRejected }: Element, offset: number, part: number): boolean {
  return !isRejected(offset, part);
}

/** A record at the end of an object that has another time than when it was written belongs to another topic by the same name. */
function checkSameTopic(element: Element, gather: Gather, group: Group): void {
  for (const [offset, timestamp] of [
    [element.first, element.firstTimestamp],
    [element.last, element.lastTimestamp],
  ] as const) {
    const own = at(group.records, offset);
    const found = own.length > 0 || group.isReplay ? own : at(gather.records, offset);
    const unsent = group.isReplay || found.length > 0 ? undefined : gather.unsent.get(offset);
    const times = unsent === undefined ? found.map((record) => record.timestamp) : [unsent];
    if (times.length > 0 && !times.includes(timestamp)) throw guardAhead(group, offset);
  }
}

function at(records: readonly KafkaRecord[], offset: number): readonly KafkaRecord[] {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((records[middle] as KafkaRecord).version.offset < offset) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (records[end]?.version.offset === offset) end++;
  return records.slice(low, end);
}

/**
 * An object with fewer records than there are now between its ends was made by a transform that decided otherwise then: what it holds
 * cannot be told, so nothing of its range counts as written. Rather twice than not at all.
 */
function trusted(known: Known, { records, path }: Group, log: Log): Known {
  const elements = known.elements.map((element) => {
    const { first, last, count, isRejected } = element;
    let now = 0;
    for (const { version, part } of records)
      if (version.offset >= first && version.offset <= last && !isRejected(version.offset, part)) now++;
    if (now <= count) return element;
    log.warn('The transform seems to decide otherwise than before: records are written again', { path, first, last, count, now });
    return { ...element, isRejected: () => true };
  });
  return { ...known, elements };
}

function guardAhead({ chain: { topic, partition } }: Group, offset: number): ConfigError {
  const message = `The bucket holds ${topic}-${partition}@${offset} with another timestamp, as if the topic had been created again. Raise connector.epoch once nothing of the old topic is left to write.`;
  return new ConfigError('GUARD_AHEAD', message);
}

/** None of the records is at fault for an object that holds too many of them. */
function tooLarge(error: DataError): ConfigError {
  const message = 'The store, or something in front of it, does not take objects of that size. Lower connector.sink.maxBytes.';
  return new ConfigError('SINK_TOO_LARGE', message, { cause: error });
}

function capacityFor(records: readonly KafkaRecord[], start: number, { maxBytes, maxRecords }: ObjectLimits): number {
  let bytes = 0;
  const end = Math.min(records.length, start + maxRecords);
  for (let index = start; index < end && bytes < maxBytes; index++) bytes += (records[index]?.size ?? 100) + 2;
  return bytes;
}

/** The more severe of two failures of one partition. */
export function worseFailure(a: ConnectorError | undefined, b: ConnectorError): ConnectorError {
  return a instanceof ConfigError ? a : b instanceof ConfigError || a === undefined ? b : a;
}
