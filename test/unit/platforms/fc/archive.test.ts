import { crc32, deflateRawSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { archive } from '../../../../lib/platforms/fc/archive.ts';

const node = Buffer.from('#!a program '.repeat(1_000));
const packed = { contents: Uint8Array.from(deflateRawSync(node)), size: node.length, crc: crc32(node) };
const files = ['start.mjs', 'chunks/b.mjs', 'chunks/a.mjs'].map((path) => ({ path, contents: Buffer.from(`// ${path}`) }));

/** Names and file modes from the archive's directory. */
function modes(zip: Uint8Array): Record<string, string> {
  const bytes = Buffer.from(zip);
  const found: Record<string, string> = {};
  const directory = Buffer.from([0x50, 0x4b, 1, 2]);
  for (let at = bytes.indexOf(directory); at !== -1; at = bytes.indexOf(directory, at + 46)) {
    const name = bytes.subarray(at + 46, at + 46 + bytes.readUInt16LE(at + 28)).toString();
    found[name] = (bytes.readUInt32LE(at + 38) >>> 16).toString(8);
  }
  return found;
}

describe('a package for Function Compute', () => {
  const zip = archive(files, 'node', packed);

  it('holds the files and the program', () => {
    const contents = Object.entries(unzipSync(zip)).map(([path, bytes]) => [path, Buffer.from(bytes).toString()]);
    expect(Object.fromEntries(contents)).toEqual({
      ...Object.fromEntries(files.map((file) => [file.path, file.contents.toString()])),
      node: node.toString(),
    });
  });

  it('says that the program can be started', () => {
    expect(modes(zip)).toEqual({ 'start.mjs': '644', 'chunks/a.mjs': '644', 'chunks/b.mjs': '644', node: '755' });
  });

  it('is the same for the same files, in whatever order they come', () => {
    expect(Buffer.from(archive(files.toReversed(), 'node', packed)).equals(Buffer.from(zip))).toBe(true);
  });
});
