import { buildCommand } from '@stricli/core';
import { type Context, examples } from '../flags.ts';

export const initCommand = buildCommand<Readonly<Record<never, never>>, [string?], Context>({
  docs: {
    brief: 'Begin a service in an empty folder, with a connector that works and its tests',
    fullDescription: `Writes package.json, serverless.yml, a function, samples and tests. Asks nothing, overwrites nothing.\n${examples('sluice init', 'sluice init orders')}`,
  },
  parameters: {
    positional: { kind: 'tuple', parameters: [{ brief: 'The folder (this one)', placeholder: 'folder', parse: String, optional: true }] },
  },
  async func(this: Context, _flags, folder) {
    const { init } = await import('../init.ts');
    this.exit(await init(folder, this.world));
  },
});
