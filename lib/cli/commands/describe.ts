import { buildCommand } from '@stricli/core';
import { type Context, examples, flag, jsonFlag } from '../flags.ts';

interface Arguments {
  readonly errors?: boolean;
  readonly json?: boolean;
}

export const describeCommand = buildCommand<Arguments, [string?], Context>({
  docs: {
    brief: 'What a sink promises, its options and its errors',
    fullDescription: `Without a name it lists the sinks.\n${examples('sluice describe', 'sluice describe postgres', 'sluice describe postgres --errors')}`,
  },
  parameters: {
    flags: { errors: flag('What each failure of the target leads to'), json: jsonFlag },
    positional: { kind: 'tuple', parameters: [{ brief: 'The sink', placeholder: 'sink', parse: String, optional: true }] },
  },
  async func(this: Context, flags, name) {
    const { describe } = await import('../describe.ts');
    this.exit(await describe(flags, name, this.world));
  },
});
