import { isUtf8 } from 'node:buffer';
import type { Origin } from '../core/record.ts';
import { undecodable } from './undecodable.ts';

const replacement = '\ufffd';

/** The text of UTF-8 bytes, a byte order mark included. Throws a DataError `RECORD_UNDECODABLE` that names the first byte which is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array, origin: Origin): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString();
  if (!text.includes(replacement) || isUtf8(buffer)) return text;
  throw undecodable(`Expected UTF-8, found something else at byte ${faultPosition(text, buffer)}`, origin);
}

/** The first replacement character that the bytes do not contain themselves. */
function faultPosition(text: string, bytes: Uint8Array): number {
  let position = 0;
  for (const character of text) {
    if (character === replacement && !(bytes[position] === 0xef && bytes[position + 1] === 0xbf && bytes[position + 2] === 0xbd)) break;
    position += Buffer.byteLength(character);
  }
  return position;
}
