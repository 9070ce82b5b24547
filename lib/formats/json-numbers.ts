/** What to make of a number: its nearest double, and its digits as written. */
export type ReadNumber = (value: number, digits: string) => unknown;

/** Parses JSON, giving each number to `readNumber`: several times slower than `JSON.parse` alone. */
export function parseNumbers(text: string, readNumber: ReadNumber): unknown {
  return JSON.parse(text, (_name, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' && context?.source !== undefined ? readNumber(value, context.source) : value,
  );
}

const onlyDigits = /^-?\d+$/;

/** An integer beyond 2^53 as a bigint; any other number as it is. */
export function losslessInteger(value: number, digits: string): unknown {
  return !Number.isSafeInteger(value) && onlyDigits.test(digits) ? BigInt(digits) : value;
}

const longInteger = /(?:^|[:[,\s-])\d{16}/;

/** False when no integer of the text is beyond 2^53; true when one may be. */
export function mayHoldLongInteger(bytes: Uint8Array, text: string): boolean {
  return hasLongNumber(bytes) && longInteger.test(text);
}

/** True when 16 digits follow one another. Looks at every 8th or 16th byte mostly, which is many times faster than a regular expression. */
function hasLongNumber(bytes: Uint8Array): boolean {
  for (let end = 15; end < bytes.length; ) {
    if (!isDigit(bytes[end])) {
      end += 16;
    } else if (!isDigit(bytes[end - 8])) {
      end += 8;
    } else {
      let start = end - 1;
      while (start > end - 16 && isDigit(bytes[start])) start--;
      if (start === end - 16) return true;
      end = start + 16;
    }
  }
  return false;
}

function isDigit(byte = 0): boolean {
  return (byte - 0x30) >>> 0 < 10;
}
