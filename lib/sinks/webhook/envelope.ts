import { ConfigError } from '../../core/errors.ts';
import type { Content } from './body.ts';

/** One body of several contents. */
export type Join = (contents: readonly Content[]) => Content;

const path = 'connector.sink.batch.wrapper';
const lineEnd = 0x0a;

/** Contents as lines of JSON. */
export function joinLines(contents: readonly Content[]): Content {
  return joined('', contents.map(oneLine), '\n', '\n');
}

/** In JSON a line end is white space: inside of text it would have to be escaped. */
function oneLine(content: Content): Content {
  if (typeof content === 'string') return content.includes('\n') ? content.replaceAll('\n', ' ') : content;
  if (!content.includes(lineEnd)) return content;
  return Buffer.from(content).map((byte) => (byte === lineEnd ? 0x20 : byte));
}

/** Contents as a JSON array, inside of a wrapper where there is one: {items} is the array, {count} how many there are. Throws a ConfigError. */
export function joinArray(wrapper: unknown): Join {
  if (wrapper === undefined) return (contents) => joined('[', contents, ',', ']');
  const [before, after, ...more] = JSON.stringify(wrapper).split('"{items}"');
  if (before === undefined || after === undefined || more.length > 0)
    throw new ConfigError('CONFIG_INVALID', `Expected ${path} to have "{items}" as one of its values, once.`);
  const [head, tail] = [before.split('"{count}"'), after.split('"{count}"')];
  return (contents) => {
    const count = String(contents.length);
    return joined(`${head.join(count)}[`, contents, ',', `]${tail.join(count)}`);
  };
}

function joined(head: string, contents: readonly Content[], separator: string, tail: string): Content {
  if (contents.every((content) => typeof content === 'string')) return head + contents.join(separator) + tail;
  let size = Buffer.byteLength(head) + Buffer.byteLength(tail);
  for (const content of contents) size += (typeof content === 'string' ? Buffer.byteLength(content) : content.length) + separator.length;
  const body = Buffer.allocUnsafe(size);
  let length = body.write(head);
  for (const [index, content] of contents.entries()) {
    if (index > 0) length += body.write(separator, length);
    if (typeof content === 'string') length += body.write(content, length);
    else {
      body.set(content, length);
      length += content.length;
    }
  }
  length += body.write(tail, length);
  return body.subarray(0, length);
}
