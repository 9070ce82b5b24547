import { describe } from 'vitest';
import type { KafkaRecord } from '../../lib/core/record.ts';
import { objectStorage } from '../../lib/sinks/object-storage.ts';
import { describeWith, type SharedServers } from '../support/servers/shared.ts';
import type { Mode } from './kit/mode.ts';
import { type BucketTarget, bucketTarget } from './object-storage-support.ts';
import { describeSink } from './sink-contract.ts';

type BucketMode = Mode<BucketTarget>;

const withoutIdentity = 'many records are one object, so none of them has an identity in the store';

const common = {
  identity: 'record',
  id: () => '',
  // The allow-list is where a record is refused that its format could hold.
  poison: (record: KafkaRecord): KafkaRecord => ({ ...record, target: 'not/allowed' }),
  without: { 'each record is a thing of its own, and sink.identity says so': withoutIdentity },
  unauthorized: ({ config, secrets }) => ({ config: { ...config, path: 'lake' }, secrets: { ...secrets, KEY_SECRET: 'a-wrong-secret' } }),
  missing: ({ config }) => ({ config: { ...config, path: 'lake', bucket: 'no-such-bucket' } }),
} satisfies Partial<BucketMode>;

// The other formats are read back in object-storage-faults.test.ts.
const modes = {
  lines: {
    ...common,
    name: 'JSON lines with where each record came from, by the hour',
    config: ({ config }) => ({ ...config, path: 'lake/dt={timestamp:yyyy-MM-dd}/hour={timestamp:HH}', envelope: ['metadata'] }),
    id: recordId,
  },
  plain: {
    ...common,
    name: 'JSON lines of values alone, gzip',
    config: ({ config }) => ({ ...config, path: '{topic}', compression: 'gzip' }),
  },
  written: {
    ...common,
    name: 'JSON lines, tombstones written, zstd',
    config: ({ config }) => ({
      ...config,
      ...{ path: 'lake', compression: 'zstd', tombstones: 'write', envelope: ['metadata', 'key', 'headers'] },
    }),
    id: recordId,
    tombstone: 'stored',
  },
  array: {
    ...common,
    name: 'JSON arrays of at most ten records',
    config: ({ config }) => ({ ...config, path: 'lake', format: 'json-array', envelope: ['metadata'], maxRecords: 10 }),
    id: recordId,
  },
  processing: {
    ...common,
    name: 'paths by the time of writing',
    config: ({ config }) => ({ ...config, path: 'lake/{timestamp:yyyy/MM/dd/HH}', time: 'processing', envelope: ['metadata'] }),
    id: recordId,
    mayExceed: { idempotent: 'it writes once as long as the hour is the same' },
  },
} satisfies Record<string, BucketMode>;

function recordId({ version: { topic, partition, offset }, part }: KafkaRecord): string {
  return [topic, partition, offset, part].join('-');
}

/** A mode without the checks whose answer is the same in every mode of its store. */
function ownPromises(mode: BucketMode): BucketMode {
  return { ...mode, sharesWith: modes.lines.name };
}

function describeStore(kind: 's3' | 'oss', server: SharedServers['s3'] | undefined, tried: readonly BucketMode[]): void {
  describeSink({
    definition: objectStorage,
    title: kind === 's3' ? 'object-storage' : 'object-storage-oss',
    target: () => bucketTarget(kind, server),
    modes: tried,
  });
}

describeWith(['s3'], 'a real S3 server', ({ s3 }) => {
  describeStore('s3', s3, [modes.lines, ...[modes.plain, modes.written, modes.array, modes.processing].map(ownPromises)]);
});

describe('a stand-in for OSS', () => {
  describeStore('oss', undefined, [modes.lines]);
});
