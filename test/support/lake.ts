import { parseConfig } from '../../lib/core/config.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { Sink } from '../../lib/core/sink.ts';
import { objectSink, objectStorage } from '../../lib/sinks/object-storage.ts';
import type { MemoryObjectStore } from './memory-object-store.ts';

export interface LakeOptions {
  readonly connector?: string;
  readonly configVersion?: string;
  readonly now?: () => number;
}

/** The object storage sink over a bucket in memory, with options as in serverless.yml. */
export function lake(
  store: MemoryObjectStore,
  options: object,
  { connector = 'to-lake', configVersion = 'c0ffee00', now }: LakeOptions = {},
): Sink {
  const config = parseConfig(objectStorage.config, { bucket: 'lake', ...options }, 'connector.sink');
  return objectSink(store, config, {
    connector,
    configVersion,
    log: silentLog,
    now: now ?? (() => 1_760_000_000_000),
    secret: () => Promise.reject(new Error('no secrets here')),
  });
}
