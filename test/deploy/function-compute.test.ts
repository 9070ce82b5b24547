import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServiceFolder, serviceFolder } from '../support/service-folder.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const service = `
service: shop
provider: { name: aws }
sluice:
  fc: { region: cn-hangzhou, instanceId: alikafka_pre-1 }
functions:
  orders:
    handler: functions/orders.handler
    connector:
      trigger: { topic: orders }
      sink: { type: memory }
`;
const orders =
  "import { connect } from 'sluice';\nimport { memory } from 'sluice/sinks/memory';\nexport const handler = connect({ sink: memory });\n";

let folder: ServiceFolder;
let output: string;
beforeAll(async () => {
  folder = await serviceFolder({ 'functions/orders.ts': orders, 'serverless.yml': service, 'package.json': '{"type":"module"}' });
  await symlink(join(repository, 'node_modules/node'), join(folder.path, 'node_modules/node'));
  output = execFileSync(process.execPath, [join(repository, 'lib/cli/sluice.js'), 'export', 'fc'], { cwd: folder.path, encoding: 'utf8' });
});
afterAll(() => folder.remove());

describe('sluice export fc', () => {
  it('says what it wrote, what happens after a day, and what to do next', () => {
    expect(output).toContain('.sluice/fc   s.yaml and 1 package\n');
    expect(output).toMatch(/orders +orders +shop-dev-orders +\d\d\.\d MB\n/);
    expect(output).toContain('Then its trigger stops, and nothing is skipped');
    expect(output).toContain('shop-dev-orders-orders\n');
    expect(output).toContain('cd .sluice/fc && s deploy\n');
  });

  it.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('brings a Node that runs the function', async () => {
    const files = unzipSync(await readFile(join(folder.path, '.sluice/fc/code/orders.zip')));
    for (const [path, contents] of Object.entries(files)) {
      const file = join(folder.path, 'code', path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, contents, { mode: path === 'node' ? 0o755 : 0o644 });
    }
    const code = join(folder.path, 'code');
    const running = spawn(join(code, 'node'), [join(code, 'start.mjs')], {
      env: { FC_SERVER_PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(running.stdout, 'data')) as [Buffer];
    const port = /Listening on port (\d+)/.exec(line.toString())?.[1];
    const body = JSON.stringify([{ topic: 'orders', partition: 0, offset: 1, timestamp: 1, key: 'k', value: '{}' }]);
    const response = await fetch(`http://127.0.0.1:${port}/invoke`, { method: 'POST', body });
    expect([response.status, response.headers.get('x-fc-status'), await response.json()]).toEqual([200, '200', { records: 1 }]);
    running.kill();
    await once(running, 'exit');
  });
});
