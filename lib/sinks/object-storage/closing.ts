import type { ObjectStore } from '../../clients/object-store.ts';
import { zoneNamed } from '../../core/calendar.ts';
import { RetriableError } from '../../core/errors.ts';
import type { KafkaRecord } from '../../core/record.ts';
import { parseTemplate } from '../../core/template.ts';
import { type Every, type Period, periodOf } from './periods.ts';

export interface ClosingOptions {
  readonly every: Every;
  readonly name: string;
  readonly partitions: number;
  readonly graceMinutes: number;
  readonly content: 'empty' | 'manifest';
}

export interface ClosingContext {
  readonly store: ObjectStore;
  readonly connector: string;
  /** What all names of the connector begin with. */
  readonly directory: string;
  readonly timeZone: string;
  readonly timeOf: (record: KafkaRecord) => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What a write has of one partition, all of it delivered. */
export interface Delivered {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly records: readonly KafkaRecord[];
}

export type Close = (delivered: Delivered, signal: AbortSignal) => Promise<void>;

/** Periods that one write closes at most; the next goes on. */
const mostAtOnce = 24;
/** How far back the first record of a partition counts. */
const mostPeriodsBack = 400;
const mostPartitionsKept = 10_000;

/**
 * Says which hours or days are complete. A partition is past a period once it has delivered a record that is later than its end by the
 * grace, and the clock is as well; it leaves a mark then, under a name that nobody else writes. Whoever leaves the last of the marks makes
 * the final object. How far a partition came is kept in the bucket, so that any function or worker can go on.
 */
export function closing({ every, name, partitions, graceMinutes, content }: ClosingOptions, context: ClosingContext): Close {
  const { store, connector, directory, timeOf, now } = context;
  const zone = zoneNamed(context.timeZone);
  const marks = `${directory}_sluice/closed/`;
  const finalName = parseTemplate(name, 'connector.sink.closed.name', { timeZone: context.timeZone, timeOf: ({ timestamp }) => timestamp });
  const graceMs = graceMinutes * 60_000;
  const through = new Map<string, number>(); // by partition: everything before is closed

  const saveProgress = async (partition: string, to: number, signal: AbortSignal): Promise<void> => {
    await store.put(`${marks}${partition}`, new Uint8Array(), marker({ 'sluice-closed-through': String(to) }), { signal });
    if (through.size >= mostPartitionsKept) through.clear();
    through.set(partition, to);
  };
  const readProgress = async (partition: string, earliest: number, signal: AbortSignal): Promise<number> => {
    const known = Number((await store.head(`${marks}${partition}`, { signal }))?.metadata['sluice-closed-through']);
    if (Number.isFinite(known)) return known;
    const start = periodOf(earliest, every, zone)?.start ?? now();
    await saveProgress(partition, start, signal);
    return start;
  };
  const finish = async (period: Period, sample: KafkaRecord, signal: AbortSignal): Promise<void> => {
    const prefix = `${marks}${period.name}/${encodeURIComponent(connector)}+`;
    const marked = new Set<string>(); // by topic and partition: raising the epoch adds none
    for await (const each of store.list({ prefix }, { signal })) marked.add(each.name.slice(each.name.indexOf('+', prefix.length)));
    if (marked.size < partitions) return;
    const target = finalName.render({ ...sample, timestamp: period.start });
    const body = content === 'manifest' ? await manifest(store, target, period, signal) : new Uint8Array();
    const contentType = content === 'manifest' ? 'application/json' : 'application/octet-stream';
    await store.create(target, body, { contentType, metadata: { 'sluice-period': period.name } }, { signal });
  };

  return async ({ topic, partition: number, epoch, records }, signal) => {
    const { earliest, latest, sample } = span(records, timeOf);
    if (sample === undefined) return;
    const partition = `${encodeURIComponent(connector)}+${epoch}+${topic}+${number}`;
    const past = Math.min(latest, now()) - graceMs;
    let from =
      through.get(partition) ?? (await readProgress(partition, Math.max(earliest, past - mostPeriodsBack * lengthMs(every)), signal));
    for (let count = 0; count < mostAtOnce; count++) {
      const period = periodOf(from, every, zone);
      if (period === undefined || period.end > past) return;
      if (signal.aborted) throw new RetriableError('ABORTED', 'The time for writing is over');
      await store.create(`${marks}${period.name}/${partition}`, new Uint8Array(), marker({}), { signal });
      await finish(period, sample, signal);
      await saveProgress(partition, period.end, signal);
      from = period.end;
    }
  };
}

function marker(metadata: Record<string, string>) {
  return { contentType: 'application/octet-stream', metadata };
}

function span(records: readonly KafkaRecord[], timeOf: (record: KafkaRecord) => number) {
  let earliest = Number.POSITIVE_INFINITY;
  let latest = Number.NEGATIVE_INFINITY;
  let sample: KafkaRecord | undefined;
  for (const record of records) {
    const time = timeOf(record);
    if (!(time >= 0)) continue;
    sample ??= record;
    if (time < earliest) earliest = time;
    if (time > latest) latest = time;
  }
  return { earliest, latest, sample };
}

function lengthMs(every: Every): number {
  return every === 'day' ? 86_400_000 : 3_600_000;
}

/** The names of the objects that stand beside it, or below. */
async function manifest(store: ObjectStore, name: string, { name: period }: Period, signal: AbortSignal): Promise<Uint8Array> {
  const prefix = name.slice(0, name.lastIndexOf('/') + 1);
  const objects: string[] = [];
  for await (const each of store.list({ prefix }, { signal }))
    if (!/(?:^|\/)_/.test(each.name.slice(prefix.length))) objects.push(each.name);
  return Buffer.from(`${JSON.stringify({ period, objects })}\n`);
}
