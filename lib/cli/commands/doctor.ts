import { buildCommand } from '@stricli/core';
import { type Context, examples, text, withParams } from '../flags.ts';
import { type KafkaArguments, kafkaFlags, oneConnector } from './control-flags.ts';

export const doctorCommand = buildCommand<KafkaArguments, [string], Context>({
  docs: {
    brief: 'Find out what keeps a connector from working, from where it runs',
    fullDescription: `Looks at settings, secrets, brokers, topics, consumer group, dead letter topic and target: inside the deployed function, inside a worker, or on this machine where it runs nowhere. Writes nothing. Exit code: 1 when something is to be mended.\n${examples('sluice doctor quakes-to-search --stage prod', 'sluice doctor quakes-to-search --on here')}`,
  },
  parameters: {
    flags: { ...kafkaFlags, on: text('Where to look from: lambda, worker or here; otherwise from where it runs', 'place') },
    positional: oneConnector,
  },
  async func(this: Context, flags, name) {
    const { doctor } = await import('../doctor.ts');
    this.exit(await doctor(withParams(flags), name, this.world));
  },
});
