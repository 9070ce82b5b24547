import { buildRouteMap } from '@stricli/core';
import { alertCommands } from './commands/alert.ts';
import { describeCommand } from './commands/describe.ts';
import { devCommand } from './commands/dev.ts';
import { dlqCommands } from './commands/dlq.ts';
import { exportCommands } from './commands/export.ts';
import { initCommand } from './commands/init.ts';
import { newCommand } from './commands/new.ts';
import { produceCommand } from './commands/produce.ts';
import { runCommand } from './commands/run.ts';
import { sampleCommand } from './commands/sample.ts';
import { testCommand } from './commands/test.ts';

/** Every command there is. */
export const routes = buildRouteMap({
  routes: {
    init: initCommand,
    new: newCommand,
    test: testCommand,
    sample: sampleCommand,
    dev: devCommand,
    run: runCommand,
    produce: produceCommand,
    describe: describeCommand,
    dlq: dlqCommands,
    alert: alertCommands,
    export: exportCommands,
  },
  docs: { brief: 'Connectors from Kafka to the systems where data is used' },
});
