import { execFile, spawn } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type ServiceFolder, serviceFolder } from '../support/service-folder.ts';

const launcher = fileURLToPath(new URL('../../lib/cli/sluice.js', import.meta.url));
const ownService = fileURLToPath(new URL('../../serverless.yml', import.meta.url));
const fixture = fileURLToPath(new URL('../fixtures/lambda/msk.json', import.meta.url));

let folder: ServiceFolder | undefined;
afterEach(async () => {
  await folder?.remove();
  folder = undefined;
});

function sluice(args: readonly string[], cwd?: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, [launcher, ...args], { cwd, env: { ...env, NO_COLOR: '1' } }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

const yaml = `service: shop
functions:
  orders:
    handler: functions/orders.handler
    connector:
      trigger: { topic: orders }
      sink: { type: console }
      acceptDuplicates: true
`;
const handler = `import { connect } from 'sluice';
import { consoleSink } from 'sluice/sinks/console';
export const handler = connect<{ id: number }>({ sink: consoleSink, transform: (record) => (record.value.id > 1 ? record : null) });
`;

describe('the sluice command', () => {
  it('runs recorded events through a function without any Kafka', async () => {
    folder = await serviceFolder({ 'serverless.yml': yaml, 'functions/orders.ts': handler });
    await copyFile(fixture, join(folder.path, 'events.json'));
    const { code, stdout } = await sluice(['dev', '--events', 'events.json'], folder.path);
    expect(stdout).toContain('reads    events of events.json');
    expect(stdout).toContain('null\t{"id":2}\n');
    expect(stdout).toContain('1 record delivered   1 dropped by the transform   1 ignored');
    expect(code).toBe(0);
  });

  it('shows a mistake in serverless.yml where it stands', async () => {
    folder = await serviceFolder({ 'serverless.yml': yaml.replace('trigger:', 'triger:'), 'functions/orders.ts': handler });
    const { code, stderr } = await sluice(['dev'], folder.path);
    expect(stderr).toContain(
      'serverless.yml:6:7  functions.orders.connector.triger\n    Unknown option "triger" in connector. Did you mean "trigger"?',
    );
    expect(code).toBe(2);
  });

  it('names what a function file gets wrong', async () => {
    folder = await serviceFolder({ 'serverless.yml': yaml, 'functions/orders.ts': 'export const other = 1;\n' });
    await copyFile(fixture, join(folder.path, 'events.json'));
    const { code, stdout } = await sluice(['dev', '--events', 'events.json'], folder.path);
    expect(stdout).toContain('does not export handler. Export it, or correct handler in serverless.yml.');
    expect(code).toBe(2);
  });

  it('drains and says so when all of its processes are asked to end at once, as systemd does', async () => {
    const far = `sluice: { cluster: { bootstrapServers: '127.0.0.1:1' } }\n${yaml}`;
    folder = await serviceFolder({ 'serverless.yml': far, 'functions/orders.ts': handler });
    const { NODE_OPTIONS: _, ...env } = process.env;
    const child = spawn(process.execPath, [launcher, 'run'], { cwd: folder.path, env, detached: true });
    let printed = '';
    const ended = new Promise((resolve) => child.once('close', resolve));
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk) => {
        printed += chunk;
        if (printed.includes('waiting for Kafka')) resolve();
      });
    });
    process.kill(-(child.pid as number), 'SIGTERM');
    expect(await ended).toBe(0);
    expect(printed).toContain('stopped');
  });

  it('prints nothing but JSON with --json, whatever a function prints', async () => {
    const noisy = "console.log('{ half a line');\nconsole.error('\\u001b[31mred');\nthrow new Error('no');\n";
    folder = await serviceFolder({ 'serverless.yml': yaml, 'functions/orders.ts': noisy });
    const { code, stdout } = await sluice(['run', '--json'], folder.path);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events).toContainEqual(expect.objectContaining({ event: 'output', stream: 'stdout', line: '{ half a line' }));
    expect(events).toContainEqual(expect.objectContaining({ event: 'output', stream: 'stderr', line: '\u001b[31mred' }));
    expect(events.at(-1)).toMatchObject({ connector: 'orders', event: 'unusable', code: 'FUNCTION_UNUSABLE' });
    expect(code).toBe(2);
  });

  it.each([
    ['an unknown connector', ['run', '--config', ownService, '--only', 'quake-to-postgres'], 'There is no connector quake-to-postgres in'],
    ['an unknown option', ['dev', '--onse'], 'did you mean --once?'],
    ['an unknown command', ['devv'], 'dev'],
    ['a service file that is not there', ['dev', '--config', 'nowhere.yml'], 'Go to the folder of your service'],
    [
      'events that are not there',
      [
        'dev',
        '--config',
        fileURLToPath(new URL('../../serverless.yml', import.meta.url)),
        '--only',
        'quakes-to-alerts',
        '--events',
        'nowhere.json',
      ],
      'Give --events a file',
    ],
    ['a parameter without a name', ['dev', '--param', 'x'], '--param to be name=value'],
  ])('answers 2 for %s, without a stack', async (_, args, expected) => {
    const { code, stderr } = await sluice(args);
    expect(stderr).toContain(expected);
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(2);
  });
});
