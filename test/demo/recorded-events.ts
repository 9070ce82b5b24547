import { toEvent } from '../../lib/platforms/lambda/event.ts';
import type { NewRecord } from './quakes.ts';

const recordsPerEvent = 500;

/** The events that Lambda would have sent for these records of the topic quakes, one JSON object a line. */
export function recordedEvents(records: readonly NewRecord[]): string {
  const read = records.map(({ key, value, timestamp }, offset) => ({
    origin: { topic: 'quakes', partition: 0, offset },
    timestamp,
    timestampType: 'create' as const,
    headers: [],
    key: Buffer.from(key),
    value,
  }));
  let lines = '';
  for (let from = 0; from < read.length; from += recordsPerEvent)
    lines += `${JSON.stringify(toEvent(read.slice(from, from + recordsPerEvent)))}\n`;
  return lines;
}
