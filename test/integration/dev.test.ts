import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type DevFlags, dev } from '../../lib/cli/dev.ts';
import { produce } from '../../lib/cli/produce.ts';
import type { Cluster } from '../../lib/clients/kafka.ts';
import { clusterWith, newTopic, readTopic } from '../support/clusters.ts';
import { describeWith } from '../support/servers/shared.ts';
import { obedientFunction, type ServiceFolder, serviceFolder } from '../support/service-folder.ts';

let folder: ServiceFolder | undefined;
afterEach(() => folder?.remove());

interface Setting {
  readonly topic: string;
  readonly letters?: string;
  readonly trigger?: string;
  readonly timeout?: number;
}

function serviceYaml(brokers: string, { topic, letters, trigger = 'batchSize: 10', timeout = 30 }: Setting): string {
  return `service: shop
provider: { name: aws, stage: test }
sluice: { cluster: { bootstrapServers: '${brokers}' } }
functions:
  orders:
    handler: functions/orders.handler
    timeout: ${timeout}
    memorySize: 256
    connector:
      trigger: { topic: ${topic}, maximumBatchingWindow: 0, ${trigger} }
      sink: { type: obedient, file: '\${env:SINK_FILE}' }
      retry: { maxElapsedMs: 0 }
      onError: ${letters === undefined ? '{}' : `{ deadLetterTopic: ${letters}, tolerance: all }`}
`;
}

async function start(brokers: string, setting: Setting) {
  folder = await serviceFolder({ 'serverless.yml': serviceYaml(brokers, setting), 'functions/orders.ts': obedientFunction });
  const file = join(folder.path, 'written');
  const { config } = folder;
  return {
    folder,
    written: () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : []),
    opened: () => readFileSync(`${file}.opened`, 'utf8').length,
    async run(flags: Partial<DevFlags> = {}, signal = new AbortController().signal) {
      let output = '';
      const stream = { write: (text: string) => (output += text) };
      const world = { env: { SINK_FILE: file }, stdout: stream, stderr: stream, signal };
      const code = await dev({ config, once: true, ...flags }, world);
      return { code, output };
    },
  };
}

async function produceValues(brokers: string, topic: string, values: readonly object[]): Promise<string> {
  let output = '';
  const stream = { write: (text: string) => (output += text) };
  const world = { env: {}, stdout: stream, stderr: stream, signal: new AbortController().signal, stdin: (async function* () {})() };
  const texts = values.map((value) => JSON.stringify(value));
  expect(await produce({ config: 'none.yml', brokers, keyField: 'id' }, topic, texts, world)).toBe(0);
  return output;
}

async function committed(cluster: Cluster, topic: string): Promise<readonly number[]> {
  const admin = await cluster.admin();
  const offsets = await admin.committed('shop-test-dev-orders', [topic]);
  await admin.close();
  return offsets.map(({ offset }) => offset);
}

describeWith(['kafka'], 'sluice dev', ({ kafka: { brokers } }) => {
  it('writes poison to the dead letter topic, commits, and does nothing twice', async () => {
    const cluster = await clusterWith({ bootstrapServers: brokers });
    const topic = await newTopic(cluster);
    const letters = await newTopic(cluster);
    const { run, written } = await start(brokers, { topic, letters });
    const said = await produceValues(brokers, topic, [{ id: 1 }, { id: 2, bad: true }, { id: 3, drop: true }, { id: 4 }]);
    expect(said).toBe(`  4 records written to ${topic} on ${brokers}\n`);

    const { code, output } = await run();
    expect(output).toContain('2 records delivered   1 dropped by the transform   1 dead letter\n');
    expect(code).toBe(0);
    expect(written()).toEqual(['1', '4']);
    const [letter, ...others] = await readTopic(cluster, letters);
    expect(others).toEqual([]);
    expect(Buffer.from(letter?.value ?? []).toString()).toBe('{"id":2,"bad":true}');
    expect(await committed(cluster, topic)).toEqual([4]);

    expect(output).toContain(`reads    topic ${topic} of ${brokers}, as group shop-test-dev-orders`);
    expect(output).toContain('writes   obedient  file ');
    expect(output).toContain(`letters  to topic ${letters}`);

    await run();
    expect(written()).toEqual(['1', '4']);
    await run({ fromBeginning: true });
    expect(written()).toEqual(['1', '4', '1', '4']);
  });

  it('repeats a whole batch in batch mode', async () => {
    const cluster = await clusterWith({ bootstrapServers: brokers });
    const topic = await newTopic(cluster);
    const { run, written } = await start(brokers, { topic });
    await produceValues(brokers, topic, [{ id: 1 }, { id: 2, down: true }, { id: 3 }]);
    const { code, output } = await run();
    expect(written()).toEqual(['1', '1', '2', '3']);
    expect(output).toContain('attempt 1 failed  SINK_UNAVAILABLE');
    expect(code).toBe(0);
  });

  it('repeats only what was not acknowledged in partial mode', async () => {
    const cluster = await clusterWith({ bootstrapServers: brokers });
    const topic = await newTopic(cluster);
    const { run, written } = await start(brokers, { topic, trigger: 'pollers: {}' });
    await produceValues(brokers, topic, [{ id: 1 }, { id: 2, down: true }, { id: 3 }]);
    expect((await run()).code).toBe(0);
    expect(written()).toEqual(['1', '2', '3']);
    expect(await committed(cluster, topic)).toEqual([3]);
  });

  it('kills a function at its timeout, starts it anew and delivers the batch again', async () => {
    const cluster = await clusterWith({ bootstrapServers: brokers });
    const topic = await newTopic(cluster);
    const { run, written, opened } = await start(brokers, { topic, timeout: 1 });
    await produceValues(brokers, topic, [{ id: 1, hang: true }]);
    const { code, output } = await run();
    expect(output).toMatch(/attempt 1 failed {2}(timed out after 1 s|ABORTED)/);
    expect(written()).toEqual(['1']);
    expect(opened()).toBe(2);
    expect(code).toBe(0);
  });

  it('gives up with --once when a record blocks its partition, and commits nothing of the batch', async () => {
    const cluster = await clusterWith({ bootstrapServers: brokers });
    const topic = await newTopic(cluster);
    const { run } = await start(brokers, { topic });
    await produceValues(brokers, topic, [{ id: 1 }, { id: 2, bad: true }]);
    const { code, output } = await run();
    expect(code).toBe(1);
    expect(output).toContain('attempt 3 failed  SINK_REJECTED_RECORD');
    expect(await committed(cluster, topic)).toEqual([]);
  });

  it('shows what would be written in a dry run, and writes and commits nothing', async () => {
    const cluster = await clusterWith({ bootstrapServers: brokers });
    const topic = await newTopic(cluster);
    const { run, written } = await start(brokers, { topic });
    await produceValues(brokers, topic, [{ id: 1 }, { id: 2, drop: true }]);
    const { code, output } = await run({ dryRun: true });
    expect(output).toContain(`${topic}-0@0  "1"  {"id":1}\n`);
    expect(output).toContain('writes   nothing: a dry run shows what would go to obedient');
    expect(code).toBe(0);
    expect(written()).toEqual([]);
    expect(await committed(cluster, topic)).toEqual([]);
  });

  it('cuts several partitions into batches of the size that was set, each record once', async () => {
    const cluster = await clusterWith({ bootstrapServers: brokers });
    const topic = await newTopic(cluster, { partitions: 3 });
    const { run, written } = await start(brokers, { topic, trigger: 'batchSize: 7' });
    await produceValues(
      brokers,
      topic,
      Array.from({ length: 50 }, (_, id) => ({ id })),
    );
    expect((await run()).code).toBe(0);
    expect(
      written()
        .map(Number)
        .toSorted((a, b) => a - b),
    ).toEqual(Array.from({ length: 50 }, (_, id) => id));
  });

  it('begins at the end where the trigger says LATEST', async () => {
    const cluster = await clusterWith({ bootstrapServers: brokers });
    const topic = await newTopic(cluster);
    const { run, written } = await start(brokers, { topic, trigger: 'startingPosition: LATEST' });
    await produceValues(brokers, topic, [{ id: 1 }]);
    expect((await run()).code).toBe(0);
    expect(written()).toEqual([]);
  });

  it('says what is wrong with a topic that does not exist', async () => {
    const { run } = await start(brokers, { topic: 'nobody-made-this' });
    const { code, output } = await run();
    expect(output).toContain('nobody-made-this');
    expect(code).toBe(2);
  });
});
