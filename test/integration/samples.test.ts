import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sample } from '../../lib/cli/sample.ts';
import { test as testSamples } from '../../lib/cli/test.ts';
import { clusterWith, newTopic } from '../support/clusters.ts';
import { describeWith } from '../support/servers/shared.ts';
import { type ServiceFolder, serviceFolder } from '../support/service-folder.ts';

const launcher = fileURLToPath(new URL('../../lib/cli/sluice.js', import.meta.url));
const yaml = `service: shop
functions:
  orders:
    handler: functions/orders.handler
    timeout: 5
    connector:
      trigger: { topic: orders-topic }
      transforms: [{ type: rename, fields: { amount: total } }]
      sink: { type: console }
      settings: { factor: 2 }
      acceptDuplicates: true
`;
const handler = `import { connect } from 'sluice';
import { consoleSink } from 'sluice/sinks/console';
export const handler = connect<{ total: number | null }>({
  sink: consoleSink,
  transform: (record, { settings }) => ({ ...record, value: { total: record.value.total.toFixed(settings.factor as number) } }),
});
`;

let folder: ServiceFolder;
beforeEach(async () => {
  folder = await serviceFolder({ 'serverless.yml': yaml, 'functions/orders.ts': handler });
  await mkdir(join(folder.path, 'test/samples'), { recursive: true });
});
afterEach(() => folder.remove());

function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return { ...env, NO_COLOR: '1' };
}

function sluice(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [launcher, ...args], { cwd: folder.path, env: environment() }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

describe('sluice test', () => {
  it('takes samples through formats, ready-made transforms and the own one, and compares', async () => {
    await folder.write('test/samples/orders-topic.jsonl', '{"key":"a","value":{"amount":1.5}}\n{"value":"{ broken"}\n');
    const first = await sluice('test', 'orders');
    expect(first.stdout).toContain('2 samples   1 → 1 record   1 failed\n');
    expect(first.stdout).toContain('orders-topic.jsonl:2   RECORD_UNDECODABLE   Expected JSON, found something else at position 2');
    expect(first.stdout).toContain('orders-topic.jsonl:1   {"key":"a","value":{"total":"1.50"}}\n');
    expect(first.code).toBe(1);
    // Poison is poison: from now on it is expected to be.
    expect((await sluice('test', '--update')).code).toBe(0);
    expect((await sluice('test')).code).toBe(0);

    await folder.write('serverless.yml', yaml.replace('factor: 2', 'factor: 0'));
    const changed = await sluice('test');
    expect(changed.stdout).toContain('orders-topic.jsonl:1   - value.total: "1.50"\n                             + value.total: "2"\n');
    expect(changed.code).toBe(1);
    expect(JSON.parse((await sluice('test', '--json')).stdout)).toMatchObject({
      connectors: [
        {
          name: 'orders',
          samples: 2,
          one: 1,
          failed: 1,
          compared: true,
          unexpectedFailures: [],
          changes: [{ sample: 'orders-topic.jsonl:1' }],
        },
      ],
    });
  });

  it('shows the line of a transform that throws', async () => {
    await folder.write('test/samples/orders.jsonl', '{"value":{"amount":null}}\n');
    const { stdout, code } = await sluice('test');
    expect(stdout).toContain("orders.jsonl:1   TRANSFORM_FAILED   Cannot read properties of null (reading 'toFixed')\n");
    expect(stdout).toMatch(/functions\/orders\.ts:5:\d+\n +5 \| .*\n +\| +\^ record\.value\.total is null\n/);
    expect(code).toBe(1);
  });

  it.each([
    ['there are no samples', '', handler, 'Capture some: npx sluice sample orders-topic --count 20'],
    ['a line is no sample', '{"vlaue":1}', handler, 'orders.jsonl:1  Unknown name vlaue. Did you mean value?'],
    ['the function cannot be loaded', '{"value":1}', "throw new Error('no luck');", 'no luck'],
    [
      'a transform does not end',
      '{"value":{"amount":1}}',
      handler.replace('({ ...record', '{ for (;;); return ({ ...record').replace('}),', '}); },'),
      'at orders.jsonl:1. Its transform does not end',
    ],
  ])('answers 2 when %s', async (_, samples, code, message) => {
    await folder.write('functions/orders.ts', code);
    if (samples !== '') await folder.write('test/samples/orders.jsonl', `${samples}\n`);
    const timed = yaml.replace('timeout: 5', 'timeout: 2');
    await folder.write('serverless.yml', timed);
    const { stderr, code: exitCode } = await sluice('test');
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  it('runs again when a file changes, until it is told to end', async () => {
    await folder.write('test/samples/orders.jsonl', '{"value":{"amount":1}}\n');
    const child = spawn(process.execPath, [launcher, 'test', '--watch'], {
      cwd: folder.path,
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const until = async (text: string): Promise<void> => {
      for (let next = await lines.next(); !next.done; next = await lines.next()) if (next.value.includes(text)) return;
      throw new Error(`Expected ${text}`);
    };
    try {
      await until('{"total":"1.00"}');
      await until('Waiting for a change');
      await folder.write('functions/orders.ts', handler.replace('toFixed(', 'toExponential('));
      await until('{"total":"1.00e+0"}');
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toBe(0);
  });
});

describe('sluice init and new', () => {
  it('begin only in an empty folder, and keep what package.json says', async () => {
    const refused = await sluice('init');
    expect(refused.stderr).toContain('a service begins in an empty folder');
    expect(refused.code).toBe(2);
    const empty = join(folder.path, 'My_orders');
    await mkdir(empty);
    const manifest = {
      name: '@shop/my.orders',
      license: 'MIT',
      scripts: { lint: 'lint', test: 'echo "Error: no test specified" && exit 1' },
      dependencies: { sluice: 'file:../x.tgz' },
    };
    await writeFile(join(empty, 'package.json'), JSON.stringify(manifest));
    const { code, stdout } = await sluice('init', 'My_orders');
    expect(code, stdout).toBe(0);
    expect(JSON.parse(await readFile(join(empty, 'package.json'), 'utf8'))).toMatchObject({
      name: '@shop/my.orders',
      license: 'MIT',
      private: true,
      type: 'module',
      scripts: { lint: 'lint', test: 'sluice test && node --test' },
      dependencies: { sluice: 'file:../x.tgz' },
      devDependencies: { serverless: 'npm:osls@4.3.1' },
    });
    const written = await readFile(join(empty, 'serverless.yml'), 'utf8');
    expect(written).toContain('# yaml-language-server: $schema=./node_modules/sluice/schemas/serverless.schema.json\nservice: my-orders\n');
  });

  it('overwrites nothing, and leaves nothing half done', async () => {
    await folder.write('functions/orders-to-console.ts', 'mine');
    const { code, stderr } = await sluice('new', 'orders-to-console', '--sink', 'console');
    expect(stderr).toContain('functions/orders-to-console.ts is there.');
    expect(code).toBe(2);
    expect(await readFile(folder.config, 'utf8')).toBe(yaml);
    expect(existsSync(join(folder.path, 'test/orders-to-console.test.ts'))).toBe(false);
    expect((await sluice('new', 'x', '--sink', 'postgre')).stderr).toContain('Did you mean postgres?');
    expect((await sluice('new', '../x', '--sink', 'postgres')).stderr).toContain('letters, digits');
  });
});

describeWith(['kafka'], 'sluice sample', ({ kafka: { brokers } }) => {
  it('captures records as they are in Kafka, so that sluice test finds them', async () => {
    const cluster = await clusterWith({ bootstrapServers: brokers });
    const topic = await newTopic(cluster, { partitions: 2 });
    const producer = cluster.producer();
    const headers = [
      { key: 'a', value: Buffer.from('1') },
      { key: 'b', value: Uint8Array.of(0xff) },
      { key: 'a', value: Buffer.from('2') },
    ];
    const records = [0, 1, 2, 3, 4].map((n) => ({
      topic,
      partition: n % 2,
      key: Buffer.from(`k${n}`),
      value: Buffer.from(`{"amount":${n}}`),
      headers,
    }));
    for (const record of records) await producer.send([record], { signal: new AbortController().signal });
    await producer.close();

    await folder.write('serverless.yml', `sluice: { cluster: { bootstrapServers: '${brokers}' } }\n${yaml.replace('orders-topic', topic)}`);
    let printed = '';
    const stream = { write: (text: string) => (printed += text) };
    const world = { env: {}, stdout: stream, stderr: stream, signal: new AbortController().signal };
    expect(await sample({ config: folder.config, count: 3 }, topic, world)).toBe(0);
    const lines = (await readFile(join(folder.path, `test/samples/${topic}.jsonl`), 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { origin: { topic, partition: 0, offset: 1 }, key: 'k2', value: { amount: 2 } },
      { origin: { topic, partition: 1, offset: 1 }, key: 'k3' },
      {
        origin: { topic, partition: 0, offset: 2 },
        key: 'k4',
        headers: [
          { key: 'a', value: '1' },
          { key: 'b', value: { base64: '/w==' } },
          { key: 'a', value: '2' },
        ],
      },
    ]);

    printed = '';
    expect(await testSamples({ config: folder.config }, 'orders', world)).toBe(0);
    expect(printed).toContain('3 samples   3 → 1 record\n');
    expect(printed).toContain(`${topic}-0@1   {"key":"k2","value":{"total":"2.00"}}`);

    printed = '';
    expect(await sample({ config: folder.config, count: 1, fromBeginning: true, out: '-' }, topic, world)).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({ key: 'k0' });
    await expect(sample({ config: folder.config }, `${topic}x`, world)).rejects.toThrow(`Did you mean ${topic}?`);
  });
});
