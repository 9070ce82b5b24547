import { buildCommand } from '@stricli/core';
import { type Context, examples, flag, list, number, type ServiceArguments, serviceFlags, text, withParams } from '../flags.ts';
import { offlineSources } from '../variables.ts';

interface Arguments extends ServiceArguments {
  readonly only?: readonly string[];
  readonly brokers?: string;
  readonly untilCaughtUp?: boolean;
  readonly patience?: number;
  readonly metricsPort?: number;
  readonly metricsHost?: string;
  readonly json?: boolean;
}

export const runCommand = buildCommand<Arguments, [], Context>({
  docs: {
    brief: 'Run connectors as workers, in the consumer groups that Lambda would use',
    fullDescription: `Starts one process for each connector, which comes back by itself after a crash or an outage.\nVariables that are resolved without a cloud:\n  ${offlineSources.join('\n  ')}\n${examples('sluice run --metrics-port 9400', 'sluice run --only quakes-to-postgres --until-caught-up')}`,
  },
  parameters: {
    flags: {
      ...serviceFlags,
      only: list('Only this connector', 'name'),
      brokers: text('Brokers instead of those of the service', 'host:port'),
      untilCaughtUp: flag('End when everything that is there now was delivered'),
      patience: number('With --until-caught-up: seconds without progress after which it gives up (60)', 'seconds'),
      metricsPort: number('Serve /metrics, /readyz and /healthz from this port on, one port for each connector', 'port'),
      metricsHost: text('The address to serve them on (127.0.0.1); elsewhere set SLUICE_CONTROL_TOKEN to steer it from there', 'address'),
      json: flag('One JSON object a line instead of text, with a measurement each second'),
    },
  },
  async func(this: Context, flags) {
    const { run } = await import('../run.ts');
    this.exit(await run(withParams(flags), this.world));
  },
});
