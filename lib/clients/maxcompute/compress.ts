import { promisify } from 'node:util';
import zlib from 'node:zlib';

export type Compression = 'none' | 'deflate' | 'zstd';

const deflate = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.deflate);
const zstd = promisify<Buffer, Buffer>(zlib.zstdCompress);

/** The body as it goes over the wire; `none` leaves it alone. What is compressed is the whole body, with its trailer. */
export async function compress(body: Buffer, compression: Compression): Promise<Buffer> {
  // The level that the service's own clients use: its point is the network, not the disk.
  if (compression === 'deflate') return await deflate(body, { level: 1 });
  return compression === 'zstd' ? await zstd(body) : body;
}
