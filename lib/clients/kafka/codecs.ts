import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { ConfigError } from '../../core/errors.ts';

export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof compressions)[number];

/** The codec's number in the attributes of a record batch. */
export const codecIds: Readonly<Record<Compression, number>> = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 };

export interface Codec {
  compress(bytes: Buffer): Promise<Uint8Array>;
  decompress(bytes: Buffer): Promise<Uint8Array>;
}

const loaders: Readonly<Record<number, () => Promise<Codec>>> = {
  [codecIds.gzip]: async () => ({ compress: promisify(zlib.gzip), decompress: promisify(zlib.gunzip) }),
  [codecIds.snappy]: async () => {
    const { SnappyCodec } = await load<typeof import('kafkajs-snappy-typescript')>('snappy', 'kafkajs-snappy-typescript');
    const codec = new SnappyCodec().codec();
    return { compress: (buffer) => codec.compress({ buffer }), decompress: async (bytes) => toBytes(await codec.decompress(bytes)) };
  },
  [codecIds.lz4]: async () => {
    const { compressFrame, decompressFrame } = await load<typeof import('lz4-napi')>('lz4', 'lz4-napi');
    return { compress: (bytes) => compressFrame(bytes), decompress: (bytes) => decompressFrame(bytes) };
  },
  [codecIds.zstd]: async () => ({ compress: promisify(zlib.zstdCompress), decompress: promisify(zlib.zstdDecompress) }),
};

const loaded = new Map<number, Promise<Codec>>();

/** The codec of that number, loaded when it is first needed. */
export function codecOf(id: number): Promise<Codec> {
  let codec = loaded.get(id);
  if (codec === undefined) {
    const loader = loaders[id];
    if (loader === undefined) return Promise.reject(new Error(`Expected a record batch in one of Kafka's codecs 0 to 4, got ${id}.`));
    codec = loader();
    codec.catch(() => loaded.delete(id));
    loaded.set(id, codec);
  }
  return codec;
}

// The package's type allows for text, which it never answers for bytes.
function toBytes(bytes: string | Buffer): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

/** These two are native code, which no bundle carries: the name is a variable so that bundlers leave the import alone. */
async function load<Module>(codec: string, name: string): Promise<Module> {
  try {
    return (await import(name)) as Module;
  } catch (cause) {
    const message = `Expected the package ${name} for ${codec} compression, and it could not be loaded. Install it where the connector runs, or use gzip or zstd.`;
    throw new ConfigError('KAFKA_CODEC_MISSING', message, { cause });
  }
}
