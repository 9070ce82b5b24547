/** Whether the bytes are one JSON object by their brackets and quotes, and nothing the server's parser can take for the end of it. What else is wrong with them the server finds. */
export function isOneObject(bytes: Uint8Array): boolean {
  const length = bytes.length;
  let at = 0;
  while (at < length && isSpace(bytes[at] ?? 0)) at++;
  if (bytes[at] !== 0x7b) return false;
  let depth = 0;
  for (; at < length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x22) {
      at = endOfString(bytes, at + 1);
      if (at < 0) return false;
    } else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      depth--;
      if (depth === 0) break;
    }
  }
  if (depth !== 0) return false;
  for (at++; at < length; at++) if (!isSpace(bytes[at] ?? 0)) return false;
  return true;
}

/** The position of the closing quote, or -1. */
function endOfString(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x22) return at;
    if (byte === 0x5c) at++;
  }
  return -1;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The documents as one JSON array in the binary form of a `jsonb` parameter. */
export function jsonbArray(documents: readonly (Uint8Array | undefined)[]): Buffer {
  let length = 2 + Math.max(1, documents.length);
  for (const bytes of documents) length += bytes?.length ?? 2;
  const buffer = Buffer.allocUnsafe(length);
  buffer[0] = 1; // version of the binary form
  buffer[1] = 0x5b;
  let at = 2;
  for (const bytes of documents) {
    if (at > 2) buffer[at++] = 0x2c;
    buffer.set(bytes ?? emptyObject, at);
    at += bytes?.length ?? 2;
  }
  buffer[at++] = 0x5d;
  return buffer.subarray(0, at);
}

const emptyObject = Buffer.from('{}');
