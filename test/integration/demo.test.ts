import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { loadDefinition } from '../../lib/cli/load-definition.ts';
import { readService } from '../../lib/cli/service.ts';
import { openConnector, realClock } from '../../lib/compose.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { SourceRecord } from '../../lib/core/record.ts';
import { parseSettings } from '../../lib/core/settings.ts';
import { isComplete } from '../../lib/core/settle.ts';
import { flights } from '../demo/flights.ts';
import { createTopics, demoCluster, produce } from '../demo/load.ts';
import { type NewRecord, quakes } from '../demo/quakes.ts';
import { promisesOf } from '../demo/read-back.ts';
import type { Findings } from '../demo/target.ts';
import { openBucket } from '../demo/targets/bucket.ts';
import { quakeObjects } from '../demo/targets/lake.ts';
import { maxcomputeTarget } from '../demo/targets/maxcompute.ts';
import { mirrorTarget } from '../demo/targets/mirror.ts';
import { oncallTarget } from '../demo/targets/oncall.ts';
import { quakeRows } from '../demo/targets/postgres.ts';
import { quakeDocuments } from '../demo/targets/search.ts';
import { webhookTarget } from '../demo/targets/webhook.ts';
import { readTopic } from '../support/clusters.ts';
import { describeWith } from '../support/servers/shared.ts';

const config = fileURLToPath(new URL('../../serverless.yml', import.meta.url));
const own = `demo-${process.pid}`;
const earthquakes = 60;
const strong = 5;
const felt = 19;

describeWith(['kafka'], 'the examples, their records delivered twice and read back as the demo does', ({ kafka: { brokers } }) => {
  let quakeRecords: readonly SourceRecord[];
  beforeAll(async () => {
    quakeRecords = await inKafka('quakes', quakes().slice(0, earthquakes));
  });

  async function inKafka(topic: string, records: readonly NewRecord[]): Promise<readonly SourceRecord[]> {
    const cluster = await demoCluster(brokers);
    await createTopics(cluster, { [topic]: 3 });
    await produce(cluster, topic, [records]);
    return await readTopic(cluster, topic);
  }

  async function deliverTwice(connector: string, records: readonly SourceRecord[], env: Readonly<Record<string, string>>): Promise<void> {
    const service = await readService({ file: config, env: { ...env, KAFKA_BROKERS: brokers } });
    const found = service.connectors.find(({ name }) => name === connector)!;
    expect(found.problems).toEqual([]);
    const opened = await openConnector(await loadDefinition(found.handlerFile, found.exportName), {
      ...{ name: connector, settings: parseSettings(found.connector), cluster: service.cluster },
      environment: { env, clock: realClock, log: silentLog, reportBatch: () => undefined },
    });
    onTestFinished(() => opened.close());
    for (let time = 0; time < 2; time++) {
      const settlement = await opened.process(records, { mode: 'partial', deadline: Date.now() + 60_000 });
      expect(isComplete(settlement)).toBe(true);
    }
  }

  async function expectFound(connector: string, findings: Findings, different: number): Promise<void> {
    const promises = await promisesOf(config, {});
    expect(findings).toMatchObject({ different, total: promises.has(connector) ? different : 2 * different });
    expect(findings.lines.find(([caption]) => caption === 'from')?.[1]).toMatch(/^(quakes|flights)-\d@\d+/);
  }

  it.each([
    ['quakes-to-oncall', oncallTarget, strong],
    ['quakes-to-webhook', webhookTarget, felt],
    ['quakes-mirror', async () => mirrorTarget({ brokers, label: 'Kafka' }), earthquakes],
  ] as const)('%s: each record is there twice', async (connector, start, different) => {
    const { env, readBack, stop } = await start();
    onTestFinished(stop);
    await deliverTwice(connector, quakeRecords, env);
    await expectFound(connector, await readBack(), different);
  });

  it('flights-to-maxcompute: each record is there twice', async () => {
    const { env, readBack, stop } = await maxcomputeTarget();
    onTestFinished(stop);
    const { value: sample = [] } = await flights(20).next();
    await deliverTwice('flights-to-maxcompute', await inKafka('flights', sample), env);
    await expectFound('flights-to-maxcompute', await readBack(), 20);
  });

  describeWith(['postgres'], 'quakes-to-postgres', ({ postgres }) => {
    it('each record is there once', async () => {
      const admin = new Client({ connectionString: postgres.url });
      await admin.connect();
      await admin.query(`create database "${own}"`);
      await admin.end();
      const url = Object.assign(new URL(postgres.url), { pathname: `/${own}` }).href;
      await deliverTwice('quakes-to-postgres', quakeRecords, { DATABASE_URL: url });
      await expectFound('quakes-to-postgres', await quakeRows(url), earthquakes);
    });
  });

  describeWith(['elasticsearch'], 'quakes-to-search', ({ elasticsearch: { node } }) => {
    it('each record is there once', async () => {
      await deliverTwice('quakes-to-search', quakeRecords, { ELASTICSEARCH_URL: node });
      await expectFound('quakes-to-search', await quakeDocuments(node, 'quakes'), earthquakes);
    });
  });

  describeWith(['s3'], 'quakes-to-lake', ({ s3 }) => {
    it('each record is there once', async () => {
      vi.stubEnv('AWS_ACCESS_KEY_ID', s3.accessKeyId);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.secretAccessKey);
      onTestFinished(() => void vi.unstubAllEnvs());
      const bucket = openBucket(s3, own);
      await bucket.create();
      await deliverTwice('quakes-to-lake', quakeRecords, { S3_ENDPOINT: s3.endpoint, LAKE_BUCKET: own });
      await expectFound('quakes-to-lake', await quakeObjects(bucket, 'quakes/'), earthquakes);
    });
  });
});
