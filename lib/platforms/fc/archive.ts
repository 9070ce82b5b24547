import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { crc32, deflateRaw } from 'node:zlib';
import { Zip, ZipDeflate, type ZipInputFile } from 'fflate';
import type { BundledFile } from '../lambda/bundle.ts';

/** A file that is compressed already, as packing it takes seconds and every package holds it. */
export interface PackedFile {
  readonly contents: Uint8Array<ArrayBuffer>;
  readonly size: number;
  readonly crc: number;
}

const deflateMethod = 8;
const unix = 3;

/** Compresses a file for the archives that hold it. */
export async function pack(file: string): Promise<PackedFile> {
  const contents = await readFile(file);
  return { contents: Uint8Array.from(await promisify(deflateRaw)(contents, { level: 6 })), size: contents.length, crc: crc32(contents) };
}

/** The files and a program as a ZIP archive that depends on nothing but them: no times, no order of a file system. */
export function archive(files: readonly BundledFile[], programName: string, program: PackedFile): Uint8Array {
  const chunks: Uint8Array[] = [];
  const zip = new Zip((error, chunk) => {
    if (error !== null) throw error;
    chunks.push(chunk);
  });
  const mtime = new Date(1980, 0, 1); // the earliest that the format knows, in whatever time zone this runs
  for (const { path, contents } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const entry = new ZipDeflate(path, { level: 9 });
    zip.add(Object.assign(entry, { mtime, os: unix, attrs: 0o644 << 16 }));
    entry.push(contents, true);
  }
  const { size, crc } = program;
  const entry: ZipInputFile = { filename: programName, size, crc, compression: deflateMethod, mtime, os: unix, attrs: 0o755 << 16 };
  zip.add(entry);
  entry.ondata?.(null, program.contents, true);
  zip.end();
  return Buffer.concat(chunks);
}
