import type { KafkaRecord } from '../../core/record.ts';

/** Bytes of an object, written front to back. */
export interface Body {
  readonly length: number;
  text(text: string): void;
  bytes(bytes: Uint8Array): void;
  /** A line end that is written when the object is finished: until then it tells apart the line ends of records. */
  lineEnd(): void;
}

/** How records become the bytes of one object. */
export interface Format {
  readonly extension: string;
  readonly contentType: string;
  readonly header: string;
  readonly footer: string;
  /** What stands between two records. */
  readonly between: string;
  /** Line ends inside of records are white space, and turned into spaces. */
  readonly foldsLines: boolean;
  /** Appends one record. Throws a DataError for what the format cannot say. */
  append(record: KafkaRecord, body: Body): void;
}

/** A format with the writer of its objects. */
export interface ObjectWriter {
  /** Bytes so far, before compression. */
  readonly bytes: number;
  /** Records so far. */
  readonly count: number;
  /** Adds a record; after a throw it is as if nothing had happened. */
  add(record: KafkaRecord): void;
  /** Takes back every record after the first `count`, where `bytes` were written. */
  rewind(count: number, bytes: number): void;
  finish(): Uint8Array;
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

/** Writes one object. The capacity is a guess that saves copying. */
export function objectWriter({ header, footer, between, foldsLines, append }: Format, capacity: number): ObjectWriter {
  let buffer = Buffer.allocUnsafe(Math.max(capacity + header.length + footer.length, 256));
  let length = 0;
  let count = 0;
  const lineEnds: number[] = [];
  const reserve = (bytes: number): void => {
    if (length + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(Math.ceil(buffer.length * 1.5), length + bytes));
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  };
  const body: Body = {
    get length() {
      return length;
    },
    text(text) {
      reserve(text.length * 3);
      length += buffer.write(text, length);
    },
    bytes(bytes) {
      reserve(bytes.length);
      buffer.set(bytes, length);
      length += bytes.length;
    },
    lineEnd() {
      reserve(1);
      lineEnds.push(length);
      buffer[length++] = space;
    },
  };
  const truncate = (to: number): void => {
    length = to;
    while ((lineEnds.at(-1) ?? -1) >= to) lineEnds.pop();
  };
  body.text(header);
  const start = length;

  return {
    get bytes() {
      return length;
    },
    get count() {
      return count;
    },
    add(record) {
      const before = length;
      try {
        if (count > 0 && between !== '') body.text(between);
        append(record, body);
        count++;
      } catch (error) {
        truncate(before);
        throw error;
      }
    },
    rewind(toCount, toBytes) {
      count = toCount;
      truncate(Math.max(toBytes, start));
    },
    finish() {
      if (foldsLines) {
        for (const end of [newline, carriageReturn])
          for (let at = buffer.indexOf(end, start); at >= 0 && at < length; at = buffer.indexOf(end, at + 1)) buffer[at] = space;
      }
      for (let index = 0; index < lineEnds.length; index++) buffer[lineEnds[index] ?? 0] = newline;
      body.text(footer);
      return buffer.subarray(0, length);
    },
  };
}
