import { buildCommand } from '@stricli/core';
import { type Context, examples, jsonFlag } from '../flags.ts';

export const initCommand = buildCommand<{ readonly json?: boolean }, [string?], Context>({
  docs: {
    brief: 'Begin a service in an empty folder, with a connector that works and its tests',
    fullDescription: `Writes package.json, serverless.yml, a function, samples and tests. Asks nothing, overwrites nothing.\n${examples('sluice init', 'sluice init orders')}`,
  },
  parameters: {
    flags: { json: jsonFlag },
    positional: { kind: 'tuple', parameters: [{ brief: 'The folder (this one)', placeholder: 'folder', parse: String, optional: true }] },
  },
  async func(this: Context, flags, folder) {
    const { init } = await import('../init.ts');
    this.exit(await init(folder, this.world, flags));
  },
});
