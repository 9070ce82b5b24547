import type { ObjectHead } from '../../clients/object-store.ts';
import { type IsRejected, readRejected } from './rejected.ts';

/** One object of a chain in one path: all its records from the first to the last offset, without the rejected ones. */
export interface Element {
  readonly first: number;
  readonly last: number;
  readonly firstTimestamp: number;
  readonly lastTimestamp: number;
  /** Records in it; each part of a fan-out is one. */
  readonly count: number;
  readonly isRejected: IsRejected;
}

/** What the metadata of an object says. */
export interface Description {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  readonly firstTimestamp: number;
  readonly lastTimestamp: number;
  readonly count: number;
  readonly rejected: string;
}

const names = {
  first: 'sluice-first-offset',
  last: 'sluice-last-offset',
  firstTimestamp: 'sluice-first-timestamp',
  lastTimestamp: 'sluice-last-timestamp',
  count: 'sluice-count',
} as const;
const rejectedName = 'sluice-rejected';

/** The metadata of an object: where its records came from, and which of that range are not in it. */
export function toMetadata(description: Description): Record<string, string> {
  const { topic, partition, epoch, rejected } = description;
  const metadata: Record<string, string> = { 'sluice-topic': topic, 'sluice-partition': String(partition), 'sluice-epoch': String(epoch) };
  for (const [field, name] of Object.entries(names)) metadata[name] = String(description[field as keyof typeof names]);
  if (rejected !== '') metadata[rejectedName] = rejected;
  return metadata;
}

/** Reads what `toMetadata` wrote; undefined when it is not there. */
export function readElement({ metadata }: ObjectHead): Element | undefined {
  const number = (name: string): number => Number(metadata[name] || Number.NaN);
  const isRejected = readRejected(metadata[rejectedName] ?? '');
  const element = {
    first: number(names.first),
    last: number(names.last),
    firstTimestamp: number(names.firstTimestamp),
    lastTimestamp: number(names.lastTimestamp),
    count: number(names.count),
  };
  if (isRejected === undefined || Object.values(element).some(Number.isNaN)) return undefined;
  return { ...element, isRejected };
}
