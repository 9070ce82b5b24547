import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exportFc } from '../../lib/cli/export.ts';
import { ConfigError } from '../../lib/core/errors.ts';
import type { SourceRecord } from '../../lib/core/record.ts';
import { eventOf, framings } from '../support/fc-events.ts';
import { sourceRecord } from '../support/records.ts';
import { type ServiceFolder, serviceFolder } from '../support/service-folder.ts';

const secret = 'opens-every-door';

/** Its sink keeps order. It notes who it wrote as, and does what values tell it: `down` once, `slow`. */
const orders = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { connect, defineSink, RetriableError, Secret, Type } from 'sluice';

const sink = defineSink({
  name: 'witness',
  summary: 'Notes what it writes.',
  config: Type.Object({ password: Secret({ description: 'A password.' }) }),
  guarantees: () => ({ idempotent: true, ordered: true, deletes: false, partial: true }),
  limits: () => ({ records: 100, bytes: 1_000_000 }),
  permissions: () => [],
  async open({ password }, { secret, credentials }) {
    const opened = (await secret(password)).length;
    const file = process.env.WITNESS;
    return {
      async write(records) {
        return Promise.all(records.map(async ({ origin, key, value }) => {
          if (value.down && !existsSync(file + '.down')) {
            writeFileSync(file + '.down', '');
            return new RetriableError('SINK_UNAVAILABLE', 'The target is down');
          }
          if (value.slow) await new Promise((resolve) => setTimeout(resolve, 300));
          appendFileSync(file, JSON.stringify({ offset: origin.offset, key, id: value.id, opened, as: credentials?.()?.securityToken }) + '\\n');
          return 'delivered';
        }));
      },
    };
  },
});

export const handler = connect({ sink });
`;

const service = `
service: shop
provider:
  name: aws
  environment: { LOG_LEVEL: info, ELSEWHERE: '\${env:FROM_HERE}' }
sluice:
  fc: { region: cn-hangzhou, instanceId: alikafka_pre-1, role: 'acs:ram::1:role/orders' }
functions:
  orders:
    handler: functions/orders.handler
    connector:
      trigger: { topic: orders, maximumBatchingWindow: 60 }
      sink: { type: witness, password: { env: PASSWORD } }
      retry: { maxElapsedMs: 0 }
`;

let folder: ServiceFolder;
let running: ChildProcess;
let url: string;
const printed: string[] = [];
const witness = () => join(folder.path, 'witness');

beforeAll(async () => {
  folder = await serviceFolder({ 'functions/orders.ts': orders, 'serverless.yml': service, 'package.json': '{"type":"module"}' });
  await bringNode();
  const lines: string[] = [];
  const stdout = { write: (text: string) => void lines.push(text) };
  const env = { ...process.env, PASSWORD: secret, FROM_HERE: 'of this machine', LOG_LEVEL: 'of this shell' };
  const world = { env, stdin: process.stdin, stdout, stderr: stdout, signal: new AbortController().signal };
  expect(await exportFc({ config: folder.config, json: true }, [], world as never)).toBe(0);
  expect(JSON.parse(lines.join(''))).toMatchObject({
    connectors: [{ functionName: 'shop-dev-orders', topics: ['orders'], groups: ['shop-dev-orders-orders'] }],
    deployVariables: ['FROM_HERE', 'PASSWORD'],
  });
  const archive = unzipSync(await readFile(join(folder.path, '.sluice/fc/code/orders.zip')));
  for (const [path, contents] of Object.entries(archive)) {
    const file = join(folder.path, 'code', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, contents);
  }
  await start();
});

afterAll(async () => {
  running.kill('SIGKILL');
  await folder.remove();
});

beforeEach(() => writeFile(witness(), ''));

/** What looks like a Node for Linux: the test starts the package with its own. */
async function bringNode(): Promise<void> {
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2]);
  header.writeUInt16LE(0x3e, 18);
  await mkdir(join(folder.path, 'node_modules/node/bin'), { recursive: true });
  await folder.write('node_modules/node/package.json', '{"name":"node","version":"24.21.0"}');
  await writeFile(join(folder.path, 'node_modules/node/bin/node'), header);
}

async function start(): Promise<void> {
  running = spawn(process.execPath, ['start.mjs'], {
    cwd: join(folder.path, 'code'),
    env: { PATH: process.env['PATH'], FC_SERVER_PORT: '0', PASSWORD: secret, WITNESS: witness() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  url = await new Promise((resolve) => {
    createInterface({ input: running.stdout! }).on('line', (line) => {
      printed.push(line);
      const port = /^Listening on port (\d+)$/.exec(line)?.[1];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
    });
  });
}

async function invoke(body: Uint8Array, token?: string, path = '/invoke') {
  const credentials = { 'x-fc-access-key-id': 'id', 'x-fc-access-key-secret': secret, 'x-fc-security-token': token ?? '' };
  const headers = { 'x-fc-request-id': 'r-1', 'content-type': 'application/octet-stream', ...(token === undefined ? {} : credentials) };
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: Buffer.from(body) });
  return {
    status: response.status,
    fcStatus: response.headers.get('x-fc-status'),
    answer: (await response.json()) as Record<string, unknown>,
  };
}

async function seen(): Promise<Readonly<Record<string, unknown>>[]> {
  return (await readFile(witness(), 'utf8')).split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

const records = (...values: object[]): SourceRecord[] =>
  values.map((value, offset) => sourceRecord('k', JSON.stringify(value), { offset }));
const objects = framings['CloudEvents as objects'];
const accepted = { status: 200, fcStatus: '200' };
const refused = { status: 500, fcStatus: '404' };

describe('an exported function', () => {
  it.each(Object.entries(framings))('takes %s', async (_, frame) => {
    const batch = frame === framings['one object without a list'] ? records({ id: 1 }) : records({ id: 1 }, { id: 2 });
    expect(await invoke(eventOf(frame(batch.toReversed())))).toMatchObject({ ...accepted, answer: { records: batch.length } });
    expect(await seen()).toMatchObject(batch.map((_record, offset) => ({ offset, key: 'k', id: offset + 1, opened: secret.length })));
  });

  it('takes what is neither a batch nor has offsets for a failure', async () => {
    for (const event of [eventOf(['hello']), Buffer.from('hello')]) expect(await invoke(event)).toMatchObject(refused);
    expect(await seen()).toEqual([]);
  });

  it('fails with its sink, and takes the batch when it comes again', async () => {
    const event = eventOf(objects(records({ id: 1 }, { id: 2, down: true })));
    expect(await invoke(event)).toMatchObject({ ...refused, answer: { errorType: 'SINK_UNAVAILABLE' } });
    expect(await invoke(event)).toMatchObject(accepted);
    expect((await seen()).map(({ id }) => id)).toEqual([1, 1, 2]);
  });

  it('writes with the credentials of the call', async () => {
    for (const token of ['first', 'second']) await invoke(eventOf(objects(records({ id: token }))), token);
    expect((await seen()).map(({ id, as }) => [id, as])).toEqual([
      ['first', 'first'],
      ['second', 'second'],
    ]);
  });

  it('takes one call at a time, as its sink keeps order', async () => {
    const event = eventOf(objects(records({ id: 1, slow: true })));
    const calls = await Promise.all([invoke(event), invoke(event)]);
    expect(calls.map(({ status }) => status).sort()).toEqual([200, 429]);
    expect(calls.map(({ fcStatus }) => fcStatus).sort()).toEqual(['200', '404']);
    expect(await seen()).toHaveLength(1);
  });

  it('answers no other path with success', async () => {
    for (const path of ['/', '/invoke/', '/pre-stop']) expect(await invoke(eventOf([]), undefined, path), path).toMatchObject(refused);
    const got = await fetch(`${url}/invoke`);
    expect([got.status, got.headers.get('x-fc-status')]).toEqual([500, '404']);
  });

  it('can be initialized, and is told that its instance stops', async () => {
    expect(await invoke(Buffer.alloc(0), undefined, '/initialize')).toMatchObject(accepted);
    expect((await fetch(`${url}/pre-stop`)).status).toBe(200);
    expect(await invoke(eventOf(objects(records({ id: 1 }))))).toMatchObject(accepted);
  });

  it('prints what the log service tells its requests by, metrics, and no secret', async () => {
    await invoke(eventOf(objects(records({ id: 1 }))), 'token');
    const text = printed.join('\n');
    expect(text).toContain('FC Invoke Start RequestId: r-1\n');
    expect(text).toContain('FC Invoke End RequestId: r-1, Error: Unhandled function error\n');
    expect(text).toMatch(
      /"message":"metrics","requestId":"r-1","service":"shop","stage":"dev","connector":"orders","records":1,"delivered":1/,
    );
    expect(text).not.toContain(secret);
  });
});

describe('an export', () => {
  it('holds nothing of the environment in which it was made', async () => {
    const text = await readFile(join(folder.path, '.sluice/fc/s.yaml'), 'utf8');
    const { environmentVariables } = parse(text).resources.orders.props;
    expect(environmentVariables).toEqual({ LOG_LEVEL: 'info', ELSEWHERE: `\${env('FROM_HERE')}`, PASSWORD: `\${env('PASSWORD')}` });
    const archive = Buffer.from(
      JSON.stringify(
        Object.values(unzipSync(await readFile(join(folder.path, '.sluice/fc/code/orders.zip')))).map((bytes) =>
          Buffer.from(bytes).toString('latin1'),
        ),
      ),
    );
    for (const found of [Buffer.from(text), archive])
      for (const given of [secret, 'of this machine', 'of this shell']) expect(found.includes(given)).toBe(false);
  });

  it.each([
    [
      'what only Lambda knows',
      'maximumBatchingWindow: 60',
      'pollers: {}',
      /bad\.yml:12:\d+ {2}functions\.orders\.connector\.trigger\.pollers\n/,
    ],
    [
      'batches that overtake each other',
      'region:',
      'concurrency: 2, region:',
      /bad\.yml:7:\d+ {2}sluice\.fc\.concurrency\n {4}The sink keeps order/,
    ],
    [
      'a secret of AWS',
      'env: PASSWORD',
      'ssm: /password',
      /bad\.yml:11:\d+ {2}functions\.orders\.connector\n {4}Function Compute cannot read ssm:\/password/,
    ],
    [
      'a connector that is not there',
      'region:',
      'connectors: { order: {} }, region:',
      /sluice\.fc\.connectors\.order\n {4}.*Did you mean orders\?/,
    ],
    ['no instance', /instanceId: [^,]*, /, '', /bad\.yml:7:\d+ {2}sluice\.fc\.instanceId/],
  ])('is refused with the place and what to set for %s', async (_, good, bad, message) => {
    await folder.write('bad.yml', service.replace(good, bad));
    const { stdin, stdout, stderr } = process;
    const world = { env: { FROM_HERE: 'x' }, stdin, stdout, stderr, signal: new AbortController().signal };
    const attempt = exportFc({ config: join(folder.path, 'bad.yml') }, [], world as never);
    await expect(attempt).rejects.toThrow(ConfigError);
    await expect(attempt).rejects.toThrow(message);
  });
});

describe('a stopped function', () => {
  it('ends by itself', async () => {
    running.kill('SIGTERM');
    expect(await once(running, 'exit')).toEqual([0, null]);
  });
});
