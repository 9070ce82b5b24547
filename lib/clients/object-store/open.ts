import type { OpenContext } from '../../core/sink.ts';
import type { ObjectStore } from '../object-store.ts';
import { credentialsOf } from './credentials.ts';
import type { StoreOptions } from './options.ts';
import { proveCreateOnly } from './probe.ts';

export interface OpenStoreOptions {
  /** Name of the object that a probe leaves in the bucket, inside of what the operator wrote down as the connector's. */
  readonly probeName?: string;
}

/**
 * A bucket to write to. Reaches it when it is first used; before the first `create` it is made sure that the store refuses to overwrite,
 * which is a ConfigError when it does not.
 */
export async function openObjectStore(
  options: StoreOptions,
  context: Pick<OpenContext, 'secret' | 'credentials' | 'now'>,
  { probeName = '_sluice/probe' }: OpenStoreOptions = {},
): Promise<ObjectStore> {
  const credentials = await credentialsOf(options, context);
  // The client is large: a function that only starts does without it.
  const { openBucket } = await import('./s3.ts');
  const bucket = openBucket({ options, credentials, now: context.now });
  let proof: Promise<void> | undefined;
  const prove = async (signal: AbortSignal): Promise<void> => {
    const proving = proveCreateOnly(bucket, probeName, options, signal);
    proof = proving;
    try {
      await proving;
    } catch (error) {
      if (proof === proving) proof = undefined;
      throw error;
    }
  };
  return {
    async create(name, body, headers, { signal }) {
      await (proof ?? prove(signal));
      return await bucket.create(name, body, headers, { signal });
    },
    put: bucket.put,
    head: bucket.head,
    list: bucket.list,
    async probe({ signal }) {
      for await (const _ of bucket.list({ prefix: probeName }, { signal })) break;
      await prove(signal);
    },
    close: bucket.close,
  };
}
