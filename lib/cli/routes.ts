import { buildRouteMap } from '@stricli/core';
import { alertCommands } from './commands/alert.ts';
import { describeCommand } from './commands/describe.ts';
import { devCommand } from './commands/dev.ts';
import { dlqCommands } from './commands/dlq.ts';
import { doctorCommand } from './commands/doctor.ts';
import { exportCommands } from './commands/export.ts';
import { initCommand } from './commands/init.ts';
import { lagCommand } from './commands/lag.ts';
import { newCommand } from './commands/new.ts';
import { offsetsCommands } from './commands/offsets.ts';
import { produceCommand } from './commands/produce.ts';
import { runCommand } from './commands/run.ts';
import { sampleCommand } from './commands/sample.ts';
import { statusCommand } from './commands/status.ts';
import { pauseCommand, restartCommand, resumeCommand } from './commands/steer.ts';
import { testCommand } from './commands/test.ts';
import { topicsCommands } from './commands/topics.ts';
import { validateCommand } from './commands/validate.ts';

/** Every command there is. */
export const routes = buildRouteMap({
  routes: {
    init: initCommand,
    new: newCommand,
    test: testCommand,
    validate: validateCommand,
    sample: sampleCommand,
    dev: devCommand,
    run: runCommand,
    produce: produceCommand,
    describe: describeCommand,
    topics: topicsCommands,
    status: statusCommand,
    lag: lagCommand,
    pause: pauseCommand,
    resume: resumeCommand,
    restart: restartCommand,
    offsets: offsetsCommands,
    dlq: dlqCommands,
    doctor: doctorCommand,
    alert: alertCommands,
    export: exportCommands,
  },
  docs: { brief: 'Connectors from Kafka to the systems where data is used' },
});
