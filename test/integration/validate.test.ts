import { afterEach, describe, expect, it } from 'vitest';
import { validate } from '../../lib/cli/validate.ts';
import { type ServiceFolder, serviceFolder } from '../support/service-folder.ts';

let folder: ServiceFolder | undefined;
afterEach(async () => {
  await folder?.remove();
  folder = undefined;
});

const good = `import { connect } from 'sluice';
import { consoleSink } from 'sluice/sinks/console';
console.log('{ noise of a function');
export const handler = connect({ sink: consoleSink });
`;
const yaml = `service: shop
sluice: { cluster: { bootstrapServers: 'b1.example:9092' } }
functions:
  orders:
    handler: functions/good.handler
    connector:
      trigger: { topic: orders }
      sink: { type: console }
      acceptDuplicates: true
  typo:
    handler: functions/good.handler
    connector:
      trigger: { topic: orders }
      sink: { type: console, templat: x }
      acceptDuplicates: true
  drains:
    handler: functions/good.handler
    connector:
      trigger: { topic: orders, pollers: {}, maximumRetryAttempts: 3 }
      sink: { type: console }
  other-sink:
    handler: functions/good.handler
    connector: { trigger: { topic: orders }, sink: { type: postgres }, acceptDuplicates: true }
  unknown-format:
    handler: functions/good.handler
    connector: { trigger: { topic: orders }, value: jsson, sink: { type: console }, acceptDuplicates: true }
  ends:
    handler: functions/ends.handler
    connector: { trigger: { topic: orders }, sink: { type: console }, acceptDuplicates: true }
  same-group:
    handler: functions/good.handler
    connector:
      trigger: { topic: orders, consumerGroup: shop-dev-orders-orders }
      sink: { type: console }
      acceptDuplicates: true
`;

async function run(names: readonly string[], json = false) {
  folder ??= await serviceFolder({ 'serverless.yml': yaml, 'functions/good.ts': good, 'functions/ends.ts': 'process.exit(4);\n' });
  let text = '';
  const stdout = {
    write(part: string) {
      text += part;
      return true;
    },
  };
  const world = { stdout, stderr: stdout, env: { PATH: process.env['PATH'] }, signal: new AbortController().signal };
  return { code: await validate({ config: folder.config, json }, names, world), text: () => text };
}

describe('sluice validate', () => {
  it('says of each mistake where it stands and what to write, as deployment would', async () => {
    const { code, text } = await run([]);
    for (const line of [
      'serverless.yml:14:30  functions.typo.connector.sink.templat\n    Unknown option "templat" in connector.sink. Did you mean "template"?',
      'serverless.yml:19:46  functions.drains.connector.trigger.maximumRetryAttempts\n    With maximumRetryAttempts Lambda skips records while the target is down.',
      'functions.other-sink.connector.sink.type\n    Expected connector.sink.type to be "console"',
      'functions.unknown-format.connector.value\n    Unknown type "jsson" in connector.value. Did you mean "json"?',
      'functions.ends.handler\n    functions/ends.ts ended its process with code 4 while it was loaded',
      'functions.same-group.connector.trigger.consumerGroup\n    The consumer group shop-dev-orders-orders is that of orders too',
    ])
      expect(text()).toContain(line);
    expect(text()).not.toContain('noise');
    expect(text()).toMatch(/\n6 problems in 6 of 7 connectors\n$/);
    expect(code).toBe(2);
  });

  it('finds nothing wrong with one that is right', async () => {
    const { code, text } = await run(['orders'], true);
    expect(JSON.parse(text())).toMatchObject({
      stage: 'dev',
      problems: [],
      connectors: [{ connector: 'orders', problems: [], checks: [] }],
    });
    expect(code).toBe(0);
  });
});
