import { buildRouteMap } from '@stricli/core';
import { alertCommands } from './commands/alert.ts';
import { describeCommand } from './commands/describe.ts';
import { devCommand } from './commands/dev.ts';
import { dlqCommands } from './commands/dlq.ts';
import { produceCommand } from './commands/produce.ts';
import { runCommand } from './commands/run.ts';
import { sampleCommand } from './commands/sample.ts';
import { testCommand } from './commands/test.ts';

/** Every command there is. */
export const routes = buildRouteMap({
  routes: {
    test: testCommand,
    sample: sampleCommand,
    dev: devCommand,
    run: runCommand,
    produce: produceCommand,
    describe: describeCommand,
    dlq: dlqCommands,
    alert: alertCommands,
  },
  docs: { brief: 'Connectors from Kafka to the systems where data is used' },
});
