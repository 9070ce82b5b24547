import type { Header, SourceRecord } from '../../../lib/core/record.ts';
import type { Numbered, Poison } from './numbered.ts';

/** Where each kind of poison fails, in Kafka Connect's words; a trap is only one to the transform. */
const stages: Readonly<Record<Poison, string>> = {
  'broken JSON': 'VALUE_CONVERTER',
  'not UTF-8': 'VALUE_CONVERTER',
  'not an object': 'TASK_PUT',
  'wrong type': 'TASK_PUT',
  'out of range': 'TASK_PUT',
  'unknown field': 'TASK_PUT',
  'refused by a check': 'TASK_PUT',
  trap: 'TRANSFORMATION',
};

export interface LetterFindings {
  readonly letters: number;
  /** Letters of records that had one already. */
  readonly repeats: number;
  /** What is wrong; nothing where the poison, as it was produced, and nothing else is there. */
  readonly faults: readonly string[];
}

export interface Produced {
  readonly topic: string;
  readonly records: Numbered;
  /** Milliseconds since the epoch, by number. */
  readonly timestamps: Float64Array;
  readonly transforms: boolean;
}

/** Holds what is in a dead letter topic against what was produced. */
export function judgeLetters(letters: readonly SourceRecord[], produced: Produced): LetterFindings {
  const { topic, records } = produced;
  const faults: string[] = [];
  const seen = new Set<number>();
  for (const letter of letters) {
    const origin = originOf(letter);
    const number = origin.topic === topic ? records.at(origin.partition, origin.offset) : undefined;
    if (number === undefined) {
      faults.push(`letter of ${origin.topic}-${origin.partition}@${origin.offset}: there is no such record`);
      continue;
    }
    seen.add(number);
    const fault = wrong(letter, number, produced);
    if (fault !== undefined) faults.push(`letter of ${origin.partition}@${origin.offset} (number ${number}): ${fault}`);
  }
  for (let number = 0; number < records.records; number++) {
    const { kind } = records.record(number);
    const isPoison = kind !== 'good' && kind !== 'tombstone';
    if (isPoison && !seen.has(number)) faults.push(`number ${number} (${kind}) has no letter`);
  }
  return { letters: letters.length, repeats: letters.length - seen.size, faults };
}

function wrong(letter: SourceRecord, number: number, { records, timestamps, transforms }: Produced): string | undefined {
  const { kind, key, value, headers } = records.record(number);
  if (kind === 'good' || kind === 'tombstone')
    return `the record is ${kind}, and the reason was ${text(letter, '__connect.errors.exception.message')}`;
  if (!isSame(letter.key, key)) return 'the key is not the one that was produced';
  if (!isSame(letter.value, value)) return 'the value is not the one that was produced';
  if (letter.timestamp !== timestamps[number]) return `the timestamp is ${letter.timestamp} instead of ${timestamps[number]}`;
  const own = letter.headers.slice(0, headers.length);
  if (own.length < headers.length || own.some((header, index) => !isSameHeader(header, headers[index])))
    return 'the headers do not begin with those that were produced';
  const added = letter.headers.slice(headers.length).find((header) => !/^(__connect\.errors|sluice)\./.test(header.key));
  if (added !== undefined) return `the header ${added.key} comes from nowhere`;
  const stage = kind === 'trap' && !transforms ? 'TASK_PUT' : stages[kind];
  const found = text(letter, '__connect.errors.stage');
  return found === stage ? undefined : `${kind} failed in stage ${found} instead of ${stage}`;
}

function originOf(letter: SourceRecord) {
  return {
    topic: text(letter, '__connect.errors.topic'),
    partition: Number(text(letter, '__connect.errors.partition')),
    offset: Number(text(letter, '__connect.errors.offset')),
  };
}

function text({ headers }: SourceRecord, name: string): string | undefined {
  const header = headers.findLast(({ key }) => key === name);
  return header === undefined ? undefined : Buffer.from(header.value).toString();
}

function isSameHeader(one: Header, other: Header | undefined): boolean {
  return other !== undefined && one.key === other.key && isSame(one.value, other.value);
}

function isSame(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : Buffer.from(one).equals(other);
}
