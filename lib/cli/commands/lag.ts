import { buildCommand } from '@stricli/core';
import { type Context, examples, withParams } from '../flags.ts';
import { type KafkaArguments, kafkaFlags, someConnectors } from './control-flags.ts';

export const lagCommand = buildCommand<KafkaArguments, string[], Context>({
  docs: {
    brief: 'How far behind each partition is, and for how long',
    fullDescription: `Asks Kafka, which has to be reachable from here.\n${examples('sluice lag', 'sluice lag quakes-to-postgres --json')}`,
  },
  parameters: { flags: kafkaFlags, positional: someConnectors },
  async func(this: Context, flags, ...names) {
    const { lag } = await import('../lag.ts');
    this.exit(await lag(withParams(flags), names, this.world));
  },
});
