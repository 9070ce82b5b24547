import { partitionOf } from '../../../lib/clients/kafka/partitioner.ts';
import type { Header } from '../../../lib/core/record.ts';
import { generator, pick } from './random.ts';

/** Ways in which a record cannot be delivered, each found at another place. */
export const poisons = [
  'broken JSON',
  'not UTF-8',
  'not an object',
  'wrong type',
  'out of range',
  'unknown field',
  'refused by a check',
  'trap',
] as const;
export type Poison = (typeof poisons)[number];
export type Kind = 'good' | 'tombstone' | Poison;

export interface NumberedRecord {
  readonly number: number;
  readonly kind: Kind;
  /** Position in the list of keys that several records share; undefined for a key of its own. */
  readonly shared: number | undefined;
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
}

export interface NumberedOptions {
  readonly seed: number;
  readonly records: number;
  readonly partitions: number;
  /** Keys that a quarter of the records share. */
  readonly sharedKeys: number;
  /** Share of the records of shared keys that delete. */
  readonly tombstones: number;
}

/** Records with a number each, the same ones for the same seed, in the order in which they are produced. */
export interface Numbered extends NumberedOptions {
  readonly poison: number;
  record(number: number): NumberedRecord;
  partition(number: number): number;
  offset(number: number): number;
  /** Which record is there; undefined when none is. */
  at(partition: number, offset: number): number | undefined;
  /** How many records each partition gets. */
  readonly counts: readonly number[];
}

const poisonShare = 0.01;
const sharedShare = 0.25;
const words = 'every number is there once, and the last one of a key is the one that stays; ';

export function numbered(options: NumberedOptions): Numbered {
  const { records, partitions } = options;
  const partitionByNumber = new Uint8Array(records);
  const offsetByNumber = new Uint32Array(records);
  const numbers: number[][] = Array.from({ length: partitions }, () => []);
  let poison = 0;
  for (let number = 0; number < records; number++) {
    const { kind, key } = outline(number, options);
    if (kind !== 'good' && kind !== 'tombstone') poison++;
    const partition = partitionOf(Buffer.from(key), partitions);
    partitionByNumber[number] = partition;
    offsetByNumber[number] = (numbers[partition]?.push(number) ?? 0) - 1;
  }
  return {
    ...options,
    poison,
    record: (number) => toRecord(number, options),
    partition: (number) => partitionByNumber[number] ?? -1,
    offset: (number) => offsetByNumber[number] ?? -1,
    at: (partition, offset) => numbers[partition]?.[offset],
    counts: numbers.map(({ length }) => length),
  };
}

export function bodyOf(number: number): string {
  return `${number} ${words.slice(0, 20 + (number % 50))}`;
}

export function amountOf(number: number): number {
  return number % 1_000;
}

function outline(number: number, { seed, sharedKeys, tombstones }: NumberedOptions) {
  const random = generator(Math.imul(number + 1, 2_654_435_761) ^ seed);
  const shared = random() < sharedShare ? Math.floor(random() * sharedKeys) : undefined;
  const key = shared === undefined ? `own-${number}` : `shared-${shared}`;
  const isTombstone = random() < tombstones && shared !== undefined;
  // What only the database finds is not looked for in a record that a newer one of its key takes the place of before it is written.
  const own = shared === undefined ? poisons : poisons.filter((poison) => poison !== 'refused by a check');
  const kind: Kind = random() < poisonShare ? pick(random, own) : isTombstone ? 'tombstone' : 'good';
  return { kind, key, shared };
}

function toRecord(number: number, options: NumberedOptions): NumberedRecord {
  const { kind, key, shared } = outline(number, options);
  return { number, kind, shared, key: Buffer.from(key), value: bytesOf(number, kind), headers: headersOf(number, kind) };
}

function bytesOf(number: number, kind: Kind): Buffer | null {
  const good = { number, body: bodyOf(number), amount: amountOf(number) };
  switch (kind) {
    case 'good':
      return json(good);
    case 'tombstone':
      return null;
    case 'broken JSON':
      return json(good).subarray(0, 17);
    case 'not UTF-8':
      return Buffer.concat([Buffer.from(`{"number":${number},"body":"`), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
    case 'not an object':
      return json([number]);
    case 'wrong type':
      return json({ ...good, amount: 'many' });
    case 'out of range':
      return json({ ...good, amount: 3_000_000_000 });
    case 'unknown field':
      return json({ ...good, surprise: true });
    case 'refused by a check':
      return json({ ...good, amount: -1 });
    case 'trap':
      return json({ ...good, trap: true });
  }
}

// What a reader of dead letters could stumble over: repeats, bytes that are no text, and names that the letter uses itself.
function headersOf(number: number, kind: Kind): readonly Header[] {
  const isPlain = kind === 'good' && number % 10 > 0;
  if (isPlain) return [];
  const headers: Header[] = [
    { key: 'trace', value: Buffer.from(String(number)) },
    { key: 'bytes', value: Buffer.from([0xff, 0x00, 0xfe]) },
    { key: 'trace', value: Buffer.from('again') },
  ];
  if (number % 3 === 0) headers.push({ key: '__connect.errors.offset', value: Buffer.from('7') });
  return headers;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
