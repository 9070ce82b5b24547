/** Bytes of a request, written front to back. */
export interface Body {
  /** Bytes so far. */
  readonly length: number;
  text(text: string): void;
  bytes(bytes: Uint8Array): void;
  /** Appends bytes with every line end turned into a space. */
  line(bytes: Uint8Array): void;
  /** Forgets what was written after `length`. */
  truncate(length: number): void;
  /** What was written from `start` to `end`, until something more is written. */
  slice(start: number, end: number): Buffer;
}

const lineEnd = 0x0a;
const space = 0x20;

/** An empty body. The capacity is a guess that saves copying. */
export function createBody(capacity: number): Body {
  let buffer = Buffer.allocUnsafe(Math.max(capacity, 256));
  let length = 0;
  const reserve = (bytes: number): void => {
    if (length + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + bytes));
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  };
  return {
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
    line(bytes) {
      reserve(bytes.length);
      buffer.set(bytes, length);
      const end = length + bytes.length;
      // In JSON a line end is white space: inside of text it would have to be escaped.
      if (bytes.includes(lineEnd))
        for (let at = length; at < end; at++) {
          if (buffer[at] === lineEnd) buffer[at] = space;
        }
      length = end;
    },
    truncate(to) {
      length = to;
    },
    slice: (start, end) => buffer.subarray(start, end),
  };
}
