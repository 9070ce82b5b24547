import { storeErrors } from '../clients/object-store/classification.ts';
import { openObjectStore } from '../clients/object-store/open.ts';
import type { ObjectStore } from '../clients/object-store.ts';
import { type ConnectorError, RetriableError } from '../core/errors.ts';
import { sinkFailure } from '../core/outcome.ts';
import { defineSink, type ErrorRule, type OpenContext, type Outcome, type Permission, type Sink } from '../core/sink.ts';
import type { Format } from './object-storage/body.ts';
import { closing } from './object-storage/closing.ts';
import { compressor } from './object-storage/compress.ts';
import { csvFormat } from './object-storage/csv.ts';
import { type Gather, type Group, gatherAll } from './object-storage/gather.ts';
import { jsonFormat } from './object-storage/json.ts';
import { checkOptions, isDeterministic, type Options, options } from './object-storage/options.ts';
import { inParallel } from './object-storage/parallel.ts';
import { openPaths } from './object-storage/path.ts';
import { rawFormat } from './object-storage/raw.ts';
import { recentElements } from './object-storage/recent.ts';
import { worseFailure, writeGroup } from './object-storage/write.ts';

/** What the sink decides by itself; the rest is the store's answers. */
const ownErrors: readonly ErrorRule[] = [
  { when: 'an object covers the record', class: 'delivered', meaning: 'it was written before' },
  { when: 'a tombstone, with tombstones: ignore', class: 'ignored', meaning: 'there is nothing to write' },
  { when: 'a value that the format cannot say', class: 'data', meaning: 'the offset is noted as rejected, and may be written later' },
  {
    when: 'a path that the record may not choose, or lacks',
    class: 'data',
    meaning: 'the offset is noted as rejected, and may be written later',
  },
  {
    when: 'an object of several records that is too large for the store',
    class: 'config',
    meaning: 'lower maxBytes: none of them is at fault',
  },
  { when: 'an object holds the same offset with another timestamp', class: 'config', meaning: 'the topic was created again: raise epoch' },
  { when: 'an object under our name says nothing of its records', class: 'config', meaning: 'something else wrote or copied it' },
];

export const objectStorage = defineSink({
  name: 'object-storage',
  summary: 'Writes records as objects to Amazon S3, Alibaba Cloud OSS or any store that speaks as S3 does.',
  config: options,
  check: checkOptions,
  guarantees: (config) => ({ idempotent: isDeterministic(config), ordered: false, deletes: false, partial: true }),
  // A partition is written as a whole: where its objects end must not depend on where a batch was cut.
  limits: () => ({ records: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER }),
  permissions,
  modes: [
    { name: 'paths by record time, field or topic', config: { bucket: 'lake', path: 'quakes/{timestamp:yyyy/MM/dd/HH}' } },
    { name: 'paths by processing time', config: { bucket: 'lake', path: 'quakes/{timestamp:yyyy/MM/dd/HH}', time: 'processing' } },
  ],
  errors: [...ownErrors, ...storeErrors],
  async open(config, context) {
    const { directory } = openPaths(config, context.now);
    const store = await openObjectStore(config, context, { probeName: `${directory}_sluice/probe` });
    return objectSink(store, config, context);
  },
});

/** The sink over any store. */
export function objectSink(store: ObjectStore, config: Options, { connector, configVersion = '0', log, now }: OpenContext): Sink {
  const { limits, concurrency } = { limits: { maxBytes: config.maxBytes, maxRecords: config.maxRecords }, concurrency: config.concurrency };
  const target = {
    store,
    format: formatOf(config),
    compressor: compressor(config.compression, config.compressionLevel),
    limits,
    log,
    recent: recentElements(),
  };
  const paths = openPaths(config, now);
  const { closed, timeZone } = config;
  const close = closed === undefined ? undefined : closing(closed, { store, connector, timeZone, now, ...paths });
  return {
    async write(records, { signal, unsent }) {
      const outcomes: Outcome[] = Array(records.length);
      const gathers = gatherAll(records, outcomes, {
        ...{ connector, configVersion, paths },
        writesTombstones: config.tombstones === 'write',
        unsent: unsent?.() ?? [],
      });
      const failures = new Map<Gather, ConnectorError>();
      await inParallel(tasksOf(gathers), concurrency, async ({ gather, group }) => {
        if (failures.has(gather)) return;
        try {
          if (signal.aborted) throw new RetriableError('ABORTED', 'The time for writing is over');
          await writeGroup(target, gather, group, outcomes, signal);
        } catch (error) {
          failures.set(gather, worseFailure(failures.get(gather), sinkFailure(error)));
        }
      });
      if (close !== undefined)
        for (const gather of gathers) {
          if (failures.has(gather)) continue;
          try {
            const epoch = gather.records[0]?.version.epoch ?? 0;
            await close({ ...gather, epoch }, signal);
          } catch (error) {
            failures.set(gather, sinkFailure(error));
          }
        }
      // Records that were rejected come again with their partition: its objects have to say that they are not in them.
      for (const [{ positions }, failure] of failures) for (const position of positions) outcomes[position] = failure;
      return outcomes;
    },
    probe: ({ signal }) => store.probe({ signal }),
    close: () => store.close(),
  };
}

function tasksOf(gathers: readonly Gather[]): { readonly gather: Gather; readonly group: Group }[] {
  return gathers.flatMap((gather) => [...gather.groups.values()].map((group) => ({ gather, group })));
}

function formatOf({ format, envelope, csv, framing }: Options): Format {
  if (format === 'raw') return rawFormat(framing);
  if (format === 'csv') return csvFormat(csv ?? { columns: [], header: true, delimiter: ',', null: '' }, envelope);
  return jsonFormat(format, envelope);
}

function permissions(config: Options): readonly Permission[] {
  const { store, bucket, tags, encryption, credentials } = config;
  if (credentials !== undefined) return []; // the role is not used
  const { directory: prefix } = openPaths(config, () => 0);
  if (store === 'oss')
    return [
      { actions: ['oss:ListObjects'], resources: [`acs:oss:*:*:${bucket}`] },
      { actions: ['oss:PutObject', 'oss:GetObject'], resources: [`acs:oss:*:*:${bucket}/${prefix}*`] },
    ];
  const key = encryption?.key;
  return [
    { actions: ['s3:ListBucket'], resources: [`arn:*:s3:::${bucket}`] },
    {
      actions: ['s3:PutObject', 's3:GetObject', ...(Object.keys(tags).length > 0 ? ['s3:PutObjectTagging'] : [])],
      resources: [`arn:*:s3:::${bucket}/${prefix}*`],
    },
    ...(key?.startsWith('arn:') === true ? [{ actions: ['kms:GenerateDataKey', 'kms:Decrypt'], resources: [key] }] : []),
  ];
}
