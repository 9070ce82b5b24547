import type { LogInspector } from '../../clients/kafka/log-inspector.ts';
import { type Origin, originName, type SourceRecord } from '../../core/record.ts';
import { type DeadLetter, readLetter } from './dead-letter.ts';

/** Bounds memory: only so many letters are held with their bytes. */
const chunkRecords = 500;

/** Calls `each` for what is in the topic now, in the order of offsets within a partition. */
async function readTopic(inspector: LogInspector, topic: string, each: (record: SourceRecord) => void, signal: AbortSignal): Promise<void> {
  const [first, next] = [await inspector.offsets(topic, 'first'), await inspector.offsets(topic, 'next')];
  for (const [partition, end] of [...next].sort(([a], [b]) => a - b)) {
    let from = first.get(partition) ?? 0;
    while (from < end && !signal.aborted) {
      const records = await inspector.head(topic, partition, from, Math.min(chunkRecords, end - from));
      for (const record of records) if (record.origin.offset < end) each(record);
      from = Math.max((records.at(-1)?.origin.offset ?? 0) + 1, from + (records.length === 0 ? chunkRecords : 1));
    }
  }
}

/** All letters of the topic that are wanted, oldest failure first; those of one partition stay in order. */
export async function readLetters(
  inspector: LogInspector,
  topic: string,
  isWanted: (letter: DeadLetter) => boolean,
  signal: AbortSignal,
): Promise<readonly DeadLetter[]> {
  const letters: { readonly letter: DeadLetter; readonly time: number }[] = [];
  const latest = new Map<number, number>();
  const take = (record: SourceRecord): void => {
    const letter = readLetter(record);
    const { partition } = record.origin;
    const time = Math.max(letter.lastFailure, latest.get(partition) ?? 0);
    latest.set(partition, time);
    if (isWanted(letter)) letters.push({ letter, time });
  };
  await readTopic(inspector, topic, take, signal);
  return letters.sort((a, b) => a.time - b.time).map(({ letter }) => letter);
}

/** The records at these places of one topic, by `originName`; those that are gone are not in it. */
export async function readPlaces(inspector: LogInspector, places: readonly Origin[]): Promise<ReadonlyMap<string, SourceRecord>> {
  const found = new Map<string, SourceRecord>();
  for (const own of Map.groupBy(places, ({ topic, partition }) => `${topic} ${partition}`).values()) {
    const wanted = new Set(own.map(({ offset }) => offset));
    const last = own.reduce((most, { offset }) => Math.max(most, offset), 0);
    const [{ topic, partition } = { topic: '', partition: 0 }] = own;
    const end = Math.min((await inspector.offsets(topic, 'next')).get(partition) ?? 0, last + 1);
    const first = (await inspector.offsets(topic, 'first')).get(partition) ?? 0;
    let from = Math.max(
      first,
      own.reduce((least, { offset }) => Math.min(least, offset), last),
    );
    while (from < end) {
      const records = await inspector.head(topic, partition, from, Math.min(chunkRecords, end - from));
      for (const record of records) if (wanted.has(record.origin.offset)) found.set(originName(record.origin), record);
      from = Math.max((records.at(-1)?.origin.offset ?? 0) + 1, from + (records.length === 0 ? chunkRecords : 1));
    }
  }
  return found;
}
