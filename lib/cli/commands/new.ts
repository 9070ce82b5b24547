import { buildCommand } from '@stricli/core';
import { type Context, examples, jsonFlag, serviceFlags, text } from '../flags.ts';
import type { NewFlags } from '../new.ts';

export const newCommand = buildCommand<NewFlags, [string], Context>({
  docs: {
    brief: 'Add a connector: its function, its block in serverless.yml, a sample and a test',
    fullDescription: `Writes what works as it is, in the sink's first mode, and asks nothing. NAME like quakes-to-postgres reads the topic quakes.\n${examples('sluice new quakes-to-postgres --sink postgres', 'sluice new orders-search --topic orders --sink elasticsearch')}`,
  },
  parameters: {
    flags: {
      config: serviceFlags.config,
      sink: { kind: 'parsed', brief: 'The sink: sluice describe lists them', placeholder: 'sink', parse: String },
      topic: text('The topic to read', 'topic'),
      json: jsonFlag,
    },
    positional: { kind: 'tuple', parameters: [{ brief: 'The connector', placeholder: 'name', parse: String }] },
  },
  async func(this: Context, flags, name) {
    const { newConnector } = await import('../new.ts');
    this.exit(await newConnector(flags, name, this.world));
  },
});
