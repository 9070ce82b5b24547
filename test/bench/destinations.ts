import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Cluster } from '../../lib/clients/kafka.ts';
import { type BulkStub, startBulkStub } from '../support/servers/bulk-stub.ts';
import { type MaxComputeServer, startMaxCompute } from '../support/servers/maxcompute.ts';
import { type PostgresServer, startPostgres } from '../support/servers/postgres.ts';
import { startBucketServer } from './object-store.ts';
import { orderColumns } from './orders.ts';
import { countRecords, createTopic } from './topics.ts';

/** Where a connector of the benchmark delivers to. */
export interface Destination {
  /** `connector:` settings beside the trigger. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Makes it empty. */
  prepare(): Promise<void>;
  /** How many different records it holds; undefined where nobody can tell. */
  count(): Promise<number | undefined>;
}

/** Servers that the destinations of a benchmark share, started when they are first needed. */
export interface Servers {
  readonly cluster: Cluster;
  postgres(): Promise<PostgresServer>;
  bulkStub(): Promise<BulkStub>;
  buckets(): ReturnType<typeof startBucketServer>;
  maxCompute(): Promise<MaxComputeServer>;
  stop(): Promise<void>;
}

export function lazyServers(cluster: Cluster): Servers {
  let postgres: Promise<PostgresServer> | undefined;
  let stub: Promise<BulkStub> | undefined;
  let buckets: ReturnType<typeof startBucketServer> | undefined;
  let maxCompute: Promise<MaxComputeServer> | undefined;
  let dataDir: string | undefined;
  return {
    cluster,
    postgres() {
      postgres ??= startPostgres({ settings: { max_wal_size: '4GB', checkpoint_timeout: '30min' } }); // no checkpoint in the middle of a run
      return postgres;
    },
    bulkStub() {
      stub ??= startBulkStub({ discard: true });
      return stub;
    },
    async buckets() {
      dataDir ??= await mkdtemp(join(tmpdir(), 'sluice-bench-s3-'));
      buckets ??= startBucketServer(dataDir);
      return await buckets;
    },
    maxCompute() {
      maxCompute ??= startMaxCompute({ discard: true });
      return maxCompute;
    },
    async stop() {
      await (await postgres)?.stop();
      await (await stub)?.stop();
      await (await buckets)?.stop();
      await (await maxCompute)?.stop();
      if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export async function nowhere(): Promise<Destination> {
  return { settings: { sink: { type: 'drop' } }, prepare: async () => undefined, count: async () => undefined };
}

/** A table of orders, with a primary key where the sink has one. */
export async function tableOf(
  servers: Servers,
  sink: Readonly<Record<string, unknown>>,
  others: Readonly<Record<string, unknown>> = {},
): Promise<Destination> {
  const { url } = await servers.postgres();
  const table = 'orders';
  const query = async (text: string) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  };
  return {
    settings: { ...others, sink: { type: 'postgres', url: { env: 'BENCH_URL' }, table, ...sink } },
    env: { BENCH_URL: url },
    async prepare() {
      await query(`drop table if exists ${table}`);
      await query(`create table ${table} (${orderColumns}${'primaryKey' in sink ? ', primary key (id)' : ''})`);
      await query('checkpoint');
    },
    async count() {
      const [row] = await query(`select count(*)::int as records, count(distinct id)::int as ids from ${table}`);
      if (row.records !== row.ids) throw new Error(`Expected each order once, found ${row.ids} orders in ${row.records} rows.`);
      return row.ids;
    },
  };
}

/** A server that takes what is sent to `_bulk` and forgets it. */
export async function bulkEndpoint(servers: Servers): Promise<Destination> {
  const stub = await servers.bulkStub();
  let before = 0;
  return {
    settings: { sink: { type: 'elasticsearch', node: stub.node, index: 'orders' } },
    async prepare() {
      before = stub.records;
    },
    count: async () => stub.records - before,
  };
}

/** Another topic of the same Kafka, as a mirror writes it: bytes that nobody looks at, with their provenance. */
export async function otherTopic({ cluster }: Servers): Promise<Destination> {
  const topic = 'orders-copy';
  return {
    settings: { key: 'bytes', value: 'bytes', acceptDuplicates: true, sink: { type: 'kafka-topic', topic } },
    async prepare() {
      const admin = await cluster.admin();
      if ((await admin.topics()).includes(topic)) await admin.deleteTopic(topic);
      await admin.close();
      await createTopic(cluster, topic);
    },
    count: () => countRecords(cluster, topic),
  };
}
