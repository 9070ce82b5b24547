import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { doctor } from '../../lib/cli/doctor.ts';
import { lag } from '../../lib/cli/lag.ts';
import { offsetsSet, offsetsShow } from '../../lib/cli/offsets.ts';
import { run } from '../../lib/cli/run.ts';
import { status } from '../../lib/cli/status.ts';
import { steer } from '../../lib/cli/steer.ts';
import { topicsApply, topicsPlan } from '../../lib/cli/topics.ts';
import { validate } from '../../lib/cli/validate.ts';
import type { ClusterAdmin } from '../../lib/clients/kafka/admin.ts';
import { type Cluster, connectCluster } from '../../lib/clients/kafka.ts';
import { silentLog } from '../../lib/core/log.ts';
import { registered } from '../../lib/platforms/worker/registry.ts';
import { describeWith } from '../support/servers/shared.ts';
import { obedientFunction, type ServiceFolder, serviceFolder } from '../support/service-folder.ts';

describeWith(['kafka'], 'a connector that runs as a worker, steered from outside', ({ kafka }) => {
  const topic = `control-${randomUUID()}`;
  const group = `shop-dev-orders-${topic}`;
  const stop = new AbortController();
  let folder: ServiceFolder;
  let cluster: Cluster;
  let admin: ClusterAdmin;
  let running: Promise<number>;

  const yaml = (file: string) => `service: shop
sluice: { cluster: { bootstrapServers: '${kafka.brokers}' } }
functions:
  orders:
    handler: functions/orders.handler
    connector:
      trigger: { topic: ${topic} }
      sink: { type: obedient, file: '${file}' }
      onError: { deadLetterTopic: ${topic}.dlq }
`;

  beforeAll(async () => {
    cluster = await connectCluster({ bootstrapServers: kafka.brokers }, { secret: async () => '', log: silentLog });
    admin = await cluster.admin();
    await admin.createTopic({ topic, partitions: 2, settings: { 'max.message.bytes': '2000000' } });
    folder = await serviceFolder({ 'functions/orders.ts': obedientFunction });
    await folder.write('serverless.yml', yaml(join(folder.path, 'out')));
    running = run({ config: folder.config }, { ...world(), signal: stop.signal });
    await until(async () => (await registered(folder.path)).length === 1);
  });
  afterAll(async () => {
    stop.abort();
    await running;
    await admin?.close();
    await folder?.remove();
  });

  const world = () => ({
    stdout: { write: () => true },
    stderr: { write: () => true },
    env: { PATH: process.env['PATH'], AWS_EC2_METADATA_DISABLED: 'true' },
    signal: new AbortController().signal,
  });
  const flags = () => ({ config: folder.config });
  /** What a command printed, and its exit code. */
  const printed = async (command: (world: Parameters<typeof status>[2]) => Promise<number>) => {
    let text = '';
    const code = await command({
      ...world(),
      stdout: {
        write(part: string) {
          text += part;
          return true;
        },
      },
    });
    return { code, text };
  };
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const delivered = async (): Promise<readonly string[]> =>
    (await readFile(join(folder.path, 'out'), 'utf8').catch(() => '')).split(' ').filter(Boolean);
  const produce = async (...ids: readonly string[]): Promise<void> => {
    const producer = cluster.producer();
    const records = ids.map((id) => ({
      ...{ topic, partition: 0, key: null, headers: [], timestamp: Date.now() },
      value: Buffer.from(JSON.stringify({ id })),
    }));
    const outcomes = await producer.send(records, { signal: new AbortController().signal });
    expect(outcomes.every((outcome) => outcome === 'sent')).toBe(true);
    await producer.close();
  };
  const committed = async () => (await admin.committed(group, [topic])).find(({ partition }) => partition === 0)?.offset;

  it('shows what it does', async () => {
    await produce('a', 'b');
    await until(async () => (await delivered()).length === 2);
    await until(async () => (await committed()) === 2);
    const { code, text } = await printed((own) => status({ ...flags(), json: true }, [], own));
    expect(JSON.parse(text)).toMatchObject({
      service: 'shop',
      connectors: [{ connector: 'orders', platform: 'worker', state: 'running', instances: 1, lag: 0 }],
      kafka: { isReachable: true },
    });
    expect(code).toBe(0);
    expect((await printed((own) => status(flags(), [], own))).text).toMatch(/orders +worker +running +0 /);
  });

  it('refuses to move offsets while it reads', async () => {
    await expect(offsetsSet({ ...flags(), earliest: true }, 'orders', world())).rejects.toThrow(
      `The consumer group ${group} has 1 member, which would commit over it. Pause it first: npx sluice pause orders`,
    );
    expect(await committed()).toBe(2);
  });

  it('delivers nothing while it is paused, and goes on from where its offsets were set', async () => {
    const { code, text } = await printed((own) => steer('pause', flags(), ['orders'], own));
    expect(text).toContain('nothing is delivered until it is resumed');
    expect(code).toBe(0);
    expect(await admin.group(group)).toMatchObject({ members: 0 });
    await produce('c', 'd');
    expect((await printed((own) => status({ ...flags(), json: true }, [], own))).text).toContain('"state": "paused"');
    const behind = await printed((own) => lag({ ...flags(), json: true }, ['orders'], own));
    expect(JSON.parse(behind.text)[0].partitions[0]).toMatchObject({
      partition: 0,
      committed: 2,
      high: 4,
      lag: 2,
      oldestMs: expect.any(Number),
    });
    expect(await delivered()).toEqual(['a', 'b']);

    const dry = await printed((own) => offsetsSet({ ...flags(), offset: 1, partition: [0], dryRun: true }, 'orders', own));
    expect(dry.text).toContain('1 record again');
    expect(await committed()).toBe(2);
    await printed((own) => offsetsSet({ ...flags(), offset: 1, partition: [0] }, 'orders', own));
    expect(await committed()).toBe(1);
    expect((await printed((own) => offsetsShow(flags(), 'orders', own))).text).toContain('3 records to go');

    await printed((own) => steer('resume', flags(), ['orders'], own));
    await until(async () => (await delivered()).length === 5);
    expect(await delivered()).toEqual(['a', 'b', 'b', 'c', 'd']);
  });

  it('finds the first record from a time on, the end and the beginning', async () => {
    const target = async (to: object) => {
      const { text } = await printed((own) => offsetsSet({ ...flags(), ...to, dryRun: true, json: true }, 'orders', own));
      return JSON.parse(text).moves[0].target;
    };
    expect(await target({ earliest: true })).toBe(0);
    expect(await target({ latest: true })).toBe(4);
    expect(await target({ time: '1h' })).toBe(0);
    expect(await target({ time: new Date(Date.now() + 3_600_000).toISOString() })).toBe(4);
    await expect(target({ offset: 9, partition: [0] })).rejects.toThrow('holds the offsets 0 to 4, and 9 is outside');
    await expect(target({ offset: 1 })).rejects.toThrow('Say which with --partition');
    await expect(target({})).rejects.toThrow('--earliest, --latest, --offset N or --time TIME');
  });

  it('makes a new process when it is restarted, and stays paused when it was', async () => {
    await printed((own) => steer('pause', flags(), ['orders'], own));
    const [before] = await registered(folder.path);
    const { code } = await printed((own) => steer('restart', flags(), ['orders'], own));
    expect(code).toBe(0);
    await until(async () => {
      const [after] = await registered(folder.path);
      return after !== undefined && after.pid !== before?.pid;
    });
    const isPaused = async () => (await printed((own) => status({ ...flags(), json: true }, [], own))).text.includes('"state": "paused"');
    expect(await isPaused()).toBe(true);
    await printed((own) => steer('resume', flags(), ['orders'], own));
    await produce('e');
    await until(async () => (await delivered()).includes('e'));
  });

  it('takes nothing from who does not show its token', async () => {
    const [{ url = '' } = {}] = await registered(folder.path);
    for (const authorization of [undefined, 'Bearer wrong']) {
      const headers = authorization === undefined ? {} : { authorization };
      expect((await fetch(`${url}/control/pause`, { method: 'POST', headers })).status).toBe(401);
      expect(await (await fetch(`${url}/control/status`, { headers })).text()).not.toContain('orders');
    }
    await expect(status({ ...flags(), workers: [url] }, [], world())).rejects.toThrow('SLUICE_CONTROL_TOKEN');
    const [{ token = '' } = {}] = await registered(folder.path);
    const far = { ...world(), env: { ...world().env, SLUICE_CONTROL_TOKEN: token } };
    expect(await status({ ...flags(), workers: [url] }, [], far)).toBe(0);
  });

  it('finds the dead letter topic missing, creates it for the largest letter, and raises one that takes too little', async () => {
    const letters = `${topic}.dlq`;
    const sick = await printed((own) => doctor({ ...flags(), json: true }, 'orders', own));
    expect(JSON.parse(sick.text).checks).toContainEqual(
      expect.objectContaining({ name: 'dead letter topic', state: 'failed', fix: 'Make it: npx sluice topics apply' }),
    );
    expect(sick.code).toBe(1);

    expect((await printed((own) => topicsPlan(flags(), own))).code).toBe(2);
    expect((await printed((own) => topicsApply({ ...flags(), replication: 1 }, own))).text).toMatch(/\.dlq .* created/);
    const names = ['max.message.bytes', 'message.timestamp.type', 'cleanup.policy'];
    expect(await admin.settings(letters, names)).toEqual({
      'max.message.bytes': '2065536',
      'message.timestamp.type': 'LogAppendTime',
      'cleanup.policy': 'delete',
    });
    expect(await admin.partitions(letters)).toBe(2);
    expect((await printed((own) => topicsPlan(flags(), own))).code).toBe(0);

    await admin.changeSettings(letters, { 'max.message.bytes': '1000' });
    expect((await printed((own) => topicsPlan(flags(), own))).text).toContain('record limit to be raised');
    await printed((own) => topicsApply(flags(), own));
    expect(await admin.settings(letters, names)).toMatchObject({
      'max.message.bytes': '2065536',
      'message.timestamp.type': 'LogAppendTime',
    });

    const well = await printed((own) => doctor(flags(), 'orders', own));
    expect(well.text).toContain('inside its worker');
    expect(well.text).toMatch(/✓ dead letter topic .* takes letters of 2065536 bytes/);
    expect(well.code).toBe(0);
  });

  it('is checked with what it needs by validate --live', async () => {
    const { code, text } = await printed((own) => validate({ ...flags(), live: true }, [], own));
    expect(text).toMatch(/✓ brokers +1 of 1 reachable/);
    expect(code).toBe(0);
    await folder.write('other.yml', yaml('x').replaceAll(topic, 'nowhere'));
    const missing = await printed((own) => validate({ config: join(folder.path, 'other.yml'), live: true, json: true }, [], own));
    expect(JSON.parse(missing.text).connectors[0].checks).toContainEqual(
      expect.objectContaining({ name: 'topic', subject: 'nowhere', state: 'failed', fix: expect.stringContaining('Create it') }),
    );
    expect(missing.code).toBe(1);
  });
});
