import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, examples, jsonFlag, type ServiceArguments, serviceFlags, text, withParams } from '../flags.ts';

interface Arguments extends ServiceArguments {
  readonly severity?: string;
  readonly json?: boolean;
}

const testCommand = buildCommand<Arguments, [string], Context>({
  docs: {
    brief: 'Send a test message through every channel of an alert connector',
    fullDescription: `The message says that it is a test. PagerDuty and Alertmanager are told at once that it is over.\n${examples('sluice alert test quakes-to-oncall', 'sluice alert test quakes-to-oncall --severity critical')}`,
  },
  parameters: {
    flags: {
      ...serviceFlags,
      severity: text('critical, error, warning or info (info), which decides who is mentioned', 'severity'),
      json: jsonFlag,
    },
    positional: { kind: 'tuple', parameters: [{ brief: 'The connector', placeholder: 'name', parse: String }] },
  },
  async func(this: Context, flags, name) {
    const { alertTest } = await import('../alert.ts');
    this.exit(await alertTest(withParams(flags), name, this.world));
  },
});

export const alertCommands = buildRouteMap({
  routes: { test: testCommand },
  docs: { brief: 'Try the channels that tell people' },
});
