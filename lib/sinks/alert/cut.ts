/** How a vendor measures text. */
export type Unit = 'bytes' | 'characters';

export interface Limit {
  readonly max: number;
  readonly unit: Unit;
}

/** What a text counts: UTF-8 bytes, or UTF-16 units, of which a vendor that counts otherwise counts no more. */
export function measure(text: string, unit: Unit): number {
  return unit === 'bytes' ? Buffer.byteLength(text) : text.length;
}

/** A text that is known to be trusted markup, or a value that has to be escaped. */
export interface Piece {
  readonly text: string;
  readonly isValue: boolean;
}

const ellipsis = '…';
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * The pieces as one text of at most that size, values escaped. What does not fit is cut between two characters as people see them, never
 * inside of one or of an escape, and `…` says so.
 */
export function join(pieces: readonly Piece[], escaped: (text: string) => string, { max, unit }: Limit): string {
  let whole = '';
  for (const { text, isValue } of pieces) whole += isValue ? escaped(text.toWellFormed()) : text;
  if (measure(whole, unit) <= max) return whole;
  const room = max - measure(ellipsis, unit);
  if (room < 0) return '';
  let text = '';
  let used = 0;
  for (const piece of pieces) {
    for (const { segment } of graphemes.segment(start(piece.text, room - used).toWellFormed())) {
      const next = piece.isValue ? escaped(segment) : segment;
      const size = measure(next, unit);
      if (used + size > room) return text + ellipsis;
      text += next;
      used += size;
    }
  }
  return text + ellipsis;
}

/** A text of which no more than this is needed; some is left over, so that the last character is known as a whole. */
function start(text: string, room: number): string {
  const enough = room * 2 + 1_000;
  return text.length <= enough ? text : text.slice(0, enough);
}

/** A plain text cut to that size. */
export function cut(text: string, limit: Limit): string {
  return join([{ text, isValue: true }], (part) => part, limit);
}
