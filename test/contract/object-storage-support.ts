import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parse as parseCsv } from 'csv-parse/sync';
import type { SharedServers } from '../support/servers/shared.ts';
import { parseExact } from './kit/exact.ts';
import type { Stored, TargetReader } from './kit/mode.ts';
import { type FoundObject, type failWrites, ossUnderTest, probeName, type StoreUnderTest, s3UnderTest } from './object-store-support.ts';

export interface BucketTarget extends TargetReader {
  readonly config: Readonly<Record<string, unknown>>;
  readonly under: StoreUnderTest;
}

/** A bucket of its own, seen with another client than the sink's. */
export async function bucketTarget(kind: 's3' | 'oss', server: SharedServers['s3'] | undefined): Promise<BucketTarget> {
  if (kind === 's3' && server === undefined) throw new Error('Expected a real S3 server.');
  const under = server === undefined ? await ossUnderTest() : await s3UnderTest(server);
  const { network, http } = under;
  const every = (fault: Parameters<typeof failWrites>[1]) => () => {
    http.onRequest = ({ path }) => (path.endsWith(probeName) ? undefined : fault);
  };
  const failure = (status: number, code: string, headers = {}) => every({ status, headers, body: `<Error><Code>${code}</Code></Error>` });
  return {
    under,
    config: under.config,
    secrets: under.secrets,
    read: async () => (await under.objects()).flatMap(recordsOf),
    reset: () => under.clear(),
    close: () => under.close(),
    faults: {
      async pass() {
        http.onRequest = undefined;
        await network.pass();
      },
      refuse: () => network.refuse(),
      hang: () => network.hang(),
      cut: () => network.cut(),
      others: {
        throttled: { start: failure(503, 'SlowDown', { 'retry-after': '0' }), expected: 'retriable' },
        unavailable: { start: failure(500, 'InternalError'), expected: 'retriable' },
        'answer lost': { start: every('answer lost'), expected: 'retriable' },
        'partial answer': { start: every('answer cut'), expected: 'retriable' },
        full: { start: failure(507, 'InsufficientStorage'), expected: 'retriable' },
      },
    },
  };
}

/** The records of an object, as another program reads them by what its name says. */
export function recordsOf({ name, body }: Pick<FoundObject, 'name' | 'body'>): readonly Stored[] {
  const [, extension = '', compression = ''] = /\.([a-z]+)(?:\.(gz|zst))?$/.exec(name) ?? [];
  const bytes = compression === 'gz' ? gunzipSync(body) : compression === 'zst' ? zstdDecompressSync(body) : body;
  switch (extension) {
    case 'jsonl':
      return linesOf(bytes).map((line) => storedOf(parseExact(line)));
    case 'json':
      return (parseExact(bytes.toString()) as readonly unknown[]).map(storedOf);
    case 'csv':
      return (parseCsv(bytes, { columns: true }) as readonly object[]).map((value) => ({ id: '', value }));
    case 'txt':
      return linesOf(bytes).map((value) => ({ id: '', value }));
    case 'bin':
      return [...framesOf(bytes)].map((value) => ({ id: '', value: value.toString() }));
    default:
      throw new Error(`Expected an object with an extension of a format, found ${name}.`);
  }
}

function linesOf(bytes: Buffer): readonly string[] {
  const lines = bytes.toString().split('\n');
  if (lines.pop() !== '') throw new Error('Expected the object to end with a line end.');
  return lines;
}

/** The envelope says where a record came from; without one each value stands for itself. */
function storedOf(value: unknown): Stored {
  if (typeof value !== 'object' || value === null || !('offset' in value) || !('value' in value)) return { id: '', value };
  const { topic, partition, offset, part } = value as Record<string, unknown>;
  return { id: [topic, partition, offset, part].join('-'), value: value.value };
}

function* framesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    yield bytes.subarray(at + 4, end);
    at = end;
  }
}
