import { buildCommand } from '@stricli/core';
import { type Context, examples, withParams } from '../flags.ts';
import { type KafkaArguments, kafkaFlags, someConnectors } from './control-flags.ts';

export const statusCommand = buildCommand<KafkaArguments, string[], Context>({
  docs: {
    brief: 'What connectors do: state, lag, rates, dead letters, last error',
    fullDescription: `Asks workers or AWS Lambda, and Kafka. Exit code: 0 when all is well, 1 when deliveries fail or nobody could be asked, 2 when a person has to do something.\n${examples('sluice status', 'sluice status quakes-to-postgres --stage prod --json')}`,
  },
  parameters: { flags: kafkaFlags, positional: someConnectors },
  async func(this: Context, flags, ...names) {
    const { status } = await import('../status.ts');
    this.exit(await status(withParams(flags), names, this.world));
  },
});
