import { ConfigError, RetriableError } from '../../core/errors.ts';
import type { ObjectHead } from '../object-store.ts';
import type { StoreOptions } from './options.ts';
import type { Bucket } from './s3.ts';

const body = Buffer.from('Sluice keeps this object to find out whether the store refuses to overwrite. It may be deleted.\n');
const headers = { contentType: 'text/plain; charset=utf-8', metadata: { purpose: 'probe' } };

/** Throws a ConfigError unless the store keeps what is there when asked to, and gives metadata back. Leaves one small object, which later probes ask for again. */
export async function proveCreateOnly(
  bucket: Pick<Bucket, 'create' | 'head' | 'versioning'>,
  name: string,
  { store, bucket: bucketName }: Pick<StoreOptions, 'store' | 'bucket'>,
  signal: AbortSignal,
): Promise<void> {
  const [first, before] = await Promise.all([bucket.create(name, body, headers, { signal }), bucket.head(name, { signal })]);
  const second = first === 'exists' ? first : await bucket.create(name, body, headers, { signal });
  if (second !== 'exists') throw await overwritten(bucket, bucketName, store, signal);
  const found = before ?? (await bucket.head(name, { signal }));
  if (found === undefined) throw new RetriableError('SINK_UNAVAILABLE', 'The store does not show yet what it says is there');
  expectMetadata(found, bucketName);
}

async function overwritten(
  bucket: Pick<Bucket, 'versioning'>,
  name: string,
  store: StoreOptions['store'],
  signal: AbortSignal,
): Promise<ConfigError> {
  const versioning = store === 'oss' ? await bucket.versioning(signal) : undefined;
  if (versioning !== undefined && versioning !== '')
    return new ConfigError(
      'SINK_OVERWRITES',
      `Bucket ${name} has versioning ${versioning.toLowerCase()}, with which OSS overwrites objects even when asked not to, so that redelivered records would replace others. ` +
        'Set connector.sink.bucket to a bucket that never had versioning.',
    );
  const asked = store === 'oss' ? 'x-oss-forbid-overwrite' : 'If-None-Match: *';
  const why = store === 'oss' ? 'as with versioning it does' : 'as an older or simpler store does';
  return new ConfigError(
    'SINK_OVERWRITES',
    `The store of bucket ${name} ignores ${asked}, ${why}, so that redelivered records would replace others. ` +
      'Set connector.sink.bucket, store or endpoint to a store that honours it.',
  );
}

function expectMetadata({ metadata }: ObjectHead, name: string): void {
  if (metadata['purpose'] === 'probe') return;
  throw new ConfigError(
    'SINK_MISCONFIGURED',
    `The store of bucket ${name} loses the metadata of objects, from which Sluice knows what is in them. Check connector.sink.store and endpoint.`,
  );
}
