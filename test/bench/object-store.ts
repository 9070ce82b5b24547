import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { type S3Server, startS3 } from '../support/servers/s3.ts';
import type { Destination } from './destinations.ts';

let buckets = 0;
const lineEnd = 10;

/** A bucket of a real S3 server, gathered for by the worker as its options say. Lines are counted on the server's disk. */
export async function bucketOf(
  server: S3Server & { readonly dataDir: string },
  sink: Readonly<Record<string, unknown>>,
  others: Readonly<Record<string, unknown>> = {},
): Promise<Destination> {
  const { endpoint, region, accessKeyId, secretAccessKey, dataDir } = server;
  const bucket = `orders-${++buckets}`; // one for each run: what was written stays written
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  const folder = join(dataDir, 'data', bucket);
  return {
    settings: {
      ...others,
      worker: { records: 50_000, bytes: 24_000_000, ageMs: 2_000, concurrency: 2 },
      sink: {
        ...{ type: 'object-storage', endpoint, region, forcePathStyle: true, bucket },
        credentials: { accessKeyId: { env: 'BENCH_KEY_ID' }, secretAccessKey: { env: 'BENCH_KEY' } },
        ...sink,
      },
    },
    env: { BENCH_KEY_ID: accessKeyId, BENCH_KEY: secretAccessKey },
    async prepare() {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
    },
    count: () => linesIn(folder),
  };
}

/** Starts the server on a folder that can be looked into. */
export async function startBucketServer(dataDir: string): Promise<S3Server & { readonly dataDir: string }> {
  return { ...(await startS3({ dataDir })), dataDir };
}

/** Lines of all objects; the probe's is none. */
async function linesIn(folder: string): Promise<number> {
  let lines = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.parentPath.includes('_sluice')) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    for (let at = bytes.indexOf(lineEnd); at >= 0; at = bytes.indexOf(lineEnd, at + 1)) lines++;
  }
  return lines;
}
