import { buildCommand } from '@stricli/core';
import { type Context, examples, flag, jsonFlag, type ServiceArguments, serviceFlags, text, withParams } from '../flags.ts';
import { someConnectors } from './control-flags.ts';

interface Arguments extends ServiceArguments {
  readonly live?: boolean;
  readonly brokers?: string;
  readonly json?: boolean;
}

export const validateCommand = buildCommand<Arguments, string[], Context>({
  docs: {
    brief: 'Check connectors of serverless.yml before anything is deployed',
    fullDescription: `Every option, with the place in the file and what to write. With --live also what connectors need: brokers, topics, secrets, targets and permissions, as far as this machine reaches them. Exit code: 2 when something has to be written differently, 1 when something live fails.\n${examples('sluice validate', 'sluice validate quakes-to-postgres --live', 'sluice validate --stage prod --json')}`,
  },
  parameters: {
    flags: {
      ...serviceFlags,
      live: flag('Check what they need as well, over the network'),
      brokers: text('With --live: brokers instead of those of the service', 'host:port'),
      json: jsonFlag,
    },
    positional: someConnectors,
  },
  async func(this: Context, flags, ...names) {
    const { validate } = await import('../validate.ts');
    this.exit(await validate(withParams(flags), names, this.world));
  },
});
