import type { SourceOutcome } from '../../core/outcome.ts';
import type { Header, SourceRecord } from '../../core/record.ts';
import type { DeadLetter } from './dead-letter.ts';

/** A letter on its way again, with the record that it holds: its own headers, and edited where that was asked for. */
export interface Replayed {
  readonly letter: DeadLetter;
  readonly record: SourceRecord;
}

/** Where letters are replayed to. */
export interface Destination {
  /** In words, e.g. `through quakes-to-postgres again`. */
  readonly words: string;
  /** Why this letter cannot go there, with what to do; undefined when it can. */
  refusal(letter: DeadLetter): string | undefined;
  /** Answers for each letter, in order. Throws nothing for a letter or a target. */
  send(letters: readonly Replayed[]): Promise<readonly SourceOutcome[]>;
  close(): Promise<void>;
}

export function textHeader(key: string, value: string): Header {
  return { key, value: Buffer.from(value) };
}
