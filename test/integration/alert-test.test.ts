import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AlertVendors, startAlertVendors, vendorSecrets } from '../support/servers/alert-vendors.ts';
import { type ServiceFolder, serviceFolder } from '../support/service-folder.ts';

const launcher = fileURLToPath(new URL('../../lib/cli/sluice.js', import.meta.url));
let vendors: AlertVendors;
let folder: ServiceFolder | undefined;
beforeAll(async () => {
  vendors = await startAlertVendors();
});
afterAll(() => vendors?.stop());
afterEach(async () => {
  await folder?.remove();
  folder = undefined;
  vendors.reset();
  vendors.work();
});

const handler = `import { connect } from 'sluice';
import { alert } from 'sluice/sinks/alert';
export const handler = connect({ sink: alert });
`;
const yaml = () => `service: shop
functions:
  orders-to-oncall:
    handler: functions/orders.handler
    connector:
      trigger: { topic: orders }
      sink:
        type: alert
        channels:
          chat: { type: slack, url: { env: CHAT_URL }, allowPrivate: true, mentions: { critical: [channel] } }
          oncall: { type: pagerduty, routingKey: { env: ROUTING_KEY }, url: 'http://127.0.0.1:${vendors.port}/v2/enqueue', allowPrivate: true }
        routes: [{ severity: [critical], to: [oncall, chat] }, { to: [chat] }]
      acceptDuplicates: true
  orders-to-console:
    handler: functions/orders.handler
    connector: { trigger: { topic: orders }, sink: { type: console }, acceptDuplicates: true }
`;

async function alertTest(args: readonly string[], token: string = vendorSecrets.token) {
  folder ??= await serviceFolder({ 'serverless.yml': yaml(), 'functions/orders.ts': handler });
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const own = { NO_COLOR: '1', CHAT_URL: `http://127.0.0.1:${vendors.port}/services/T0/B0/${token}`, ROUTING_KEY: token.slice(0, 32) };
  return await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd: folder?.path, env: { ...inherited, ...own } };
    execFile(process.execPath, [launcher, 'alert', 'test', ...args], options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

describe('sluice alert test', () => {
  it('sends a marked message through every channel, closes what would stay open, and says what became of each', async () => {
    const { code, stdout } = await alertTest(['orders-to-oncall']);
    expect(stdout).toMatch(/chat +slack +delivered\n/);
    expect(stdout).toMatch(/oncall +pagerduty +delivered, and closed again\n/);
    expect(code).toBe(0);
    const [message] = vendors.accepted.slack.map(({ body }) => JSON.stringify(body));
    expect(message).toContain('INFO: TEST, nothing is wrong (orders-to-oncall)');
    expect(message).not.toContain('<!channel>');
    expect([...vendors.incidents.values()].map(({ isOpen }) => isOpen)).toEqual([false]);
  });

  it('shows who is mentioned with --severity, and answers in JSON', async () => {
    const { code, stdout } = await alertTest(['orders-to-oncall', '--severity', 'critical', '--json']);
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(answers).toEqual([
      { connector: 'orders-to-oncall', channel: 'chat', type: 'slack', outcome: 'delivered', isClosed: false },
      { connector: 'orders-to-oncall', channel: 'oncall', type: 'pagerduty', outcome: 'delivered', isClosed: true },
    ]);
    expect(JSON.stringify(vendors.accepted.slack[0]?.body)).toContain('<!channel>');
    expect(code).toBe(0);
  });

  it('answers 2 where a token was refused, and never prints it', async () => {
    const { code, stdout, stderr } = await alertTest(['orders-to-oncall'], 'sentinel-revoked-token-0123456789abc');
    expect(stdout).toContain('SINK_UNAUTHORIZED  Slack (chat): the webhook was revoked. Make a new one');
    expect(`${stdout}${stderr}`).not.toContain('sentinel');
    expect(code).toBe(2);
  });

  it('answers 1 where nobody can be reached for now', async () => {
    vendors.fail({ status: 503 });
    const { code, stdout } = await alertTest(['orders-to-oncall']);
    expect(stdout).toContain('SINK_UNAVAILABLE  Slack (chat): the service is not available (503)');
    expect(code).toBe(1);
  });

  it.each([
    [['orders'], 'There is no connector orders in serverless.yml'],
    [['orders-to-console'], 'The sink of orders-to-console is console, which tells nobody'],
    [['orders-to-oncall', '--severity', 'bad'], 'Expected --severity to be critical, error, warning, info'],
  ])('answers 2 to %j', async (args, expected) => {
    const { code, stderr } = await alertTest(args);
    expect(stderr).toContain(expected);
    expect(code).toBe(2);
  });
});
