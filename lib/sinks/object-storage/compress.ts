import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';

export type Compression = 'none' | 'gzip' | 'zstd';

export interface Compressor {
  /** What the name ends in after the format's own extension. */
  readonly extension: string;
  /** Undefined where the bytes keep the format's own type. */
  readonly contentType?: string;
  compress(bytes: Uint8Array): Promise<Uint8Array> | Uint8Array;
}

const gzipBytes = promisify<Uint8Array, { level?: number }, Buffer>(gzip);
const zstdBytes = promisify<Uint8Array, { params?: Record<number, number> }, Buffer>(zstdCompress);

/** How whole objects are compressed, on another thread. */
export function compressor(compression: Compression, level: number | undefined): Compressor {
  switch (compression) {
    case 'none':
      return { extension: '', compress: (bytes) => bytes };
    case 'gzip': {
      const options = level === undefined ? {} : { level };
      return { extension: '.gz', contentType: 'application/gzip', compress: (bytes) => gzipBytes(bytes, options) };
    }
    case 'zstd': {
      const options = level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } };
      return { extension: '.zst', contentType: 'application/zstd', compress: (bytes) => zstdBytes(bytes, options) };
    }
  }
}
