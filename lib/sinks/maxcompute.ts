import { openClient } from '../clients/maxcompute/client.ts';
import type { Credentials } from '../clients/maxcompute/signature.ts';
import { ConfigError, RetriableError } from '../core/errors.ts';
import { router } from '../core/route.ts';
import { defineSink, type OpenContext, type Sink } from '../core/sink.ts';
import { parseTemplate } from '../core/template.ts';
import { blockWriter } from './maxcompute/block-writer.ts';
import { errorRules, toConnectorError } from './maxcompute/classification.ts';
import { checkOptions, guaranteesOf, modes, type Options, options } from './maxcompute/options.ts';
import { paceOf } from './maxcompute/pace.ts';
import { partitioner } from './maxcompute/partition.ts';
import { levelsOf } from './maxcompute/partition-options.ts';
import { streamWriter } from './maxcompute/stream-writer.ts';
import { openTables } from './maxcompute/tables.ts';
import { writeRecords } from './maxcompute/write.ts';

export const maxcompute = defineSink({
  name: 'maxcompute',
  summary:
    'Appends records to tables of MaxCompute through its tunnel. Rows are written at least once: what is sent again after a lost answer is there twice, and queries drop it by the columns of topic, partition and offset.',
  config: options,
  check: checkOptions,
  guarantees: guaranteesOf,
  limits: ({ batchRecords, batchBytes }) => ({ records: batchRecords, bytes: batchBytes }),
  permissions: () => [],
  modes,
  errors: errorRules,
  async open(config, context): Promise<Sink> {
    const { now, log } = context;
    const template = parseTemplate(config.table, 'connector.sink.table');
    const { allow, maxTargets, concurrency } = config;
    const tableOf = router({ path: 'connector.sink.table', template, allow, maxTargets, valid: validName, now });
    const client = openClient({
      ...{ project: config.project, endpoint: config.endpoint, tunnelEndpoint: config.tunnelEndpoint },
      ...{ quota: config.quota, region: config.region, timeoutMs: config.requestTimeoutMs, connections: concurrency * 2, now },
      credentials: await credentialsOf(config, context),
    });
    const tables = openTables(client, config, now);
    const writeGroup =
      config.upload === 'stream'
        ? streamWriter({ client, config, tables, now })
        : blockWriter({ client, config, tables, pace: paceOf(now, log) });
    const settings = {
      ...{ writeGroup, tableOf, concurrency, ignoresTombstones: config.tombstones === 'ignore' },
      partitionOf: partitioner(config.partition, { maxPartitions: config.maxPartitions, now }),
    };
    if (config.upload === 'block' && levelsOf(config.partition).some(({ window, format }) => window === 'minute' || format === 'text'))
      log.warn(
        'Each partition value of a batch takes one of the 500 upload sessions that MaxCompute opens for a table in 5 minutes. Choose a longer connector.sink.partition.window, or set connector.sink.upload to stream.',
      );

    return {
      async write(records, { signal }) {
        if (signal.aborted) throw new RetriableError('ABORTED', 'The time for writing is over');
        return await writeRecords(records, signal, settings);
      },
      async probe({ signal }) {
        if (template.constant === undefined) return;
        tables.forget(template.constant);
        try {
          await tables.plan(template.constant, signal);
        } catch (error) {
          throw toConnectorError(error, signal);
        }
      },
      async close() {
        client.close();
      },
    };
  },
});

/** The account's own credentials, or as of each request those of the role that the platform lends. */
async function credentialsOf({ credentials: own }: Options, { secret, credentials: lent }: OpenContext): Promise<() => Credentials> {
  if (own !== undefined) {
    const [accessKeyId, accessKeySecret] = [await secret(own.accessKeyId), await secret(own.accessKeySecret)];
    const token = own.securityToken === undefined ? {} : { securityToken: (await secret(own.securityToken)).trim() };
    const credentials = { accessKeyId: accessKeyId.trim(), accessKeySecret: accessKeySecret.trim(), ...token };
    return () => credentials;
  }
  const read = (): Credentials => {
    const credentials = lent?.();
    if (credentials === undefined)
      throw new ConfigError(
        'SINK_UNAUTHORIZED',
        'Expected connector.sink.credentials, as the platform lends no credentials of Alibaba Cloud. Set accessKeyId and accessKeySecret to references to secrets, or give the function a role.',
      );
    return credentials;
  };
  read();
  return read;
}

function validName(name: string): boolean | string {
  return /^[A-Za-z0-9_]{1,128}$/.test(name) || 'a table name of letters, digits and underscores';
}
