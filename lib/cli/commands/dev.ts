import { buildCommand } from '@stricli/core';
import { type Context, examples, flag, list, type ServiceArguments, serviceFlags, text, withParams } from '../flags.ts';
import { offlineSources } from '../variables.ts';

interface Arguments extends ServiceArguments {
  readonly only?: readonly string[];
  readonly once?: boolean;
  readonly fromBeginning?: boolean;
  readonly dryRun?: boolean;
  readonly events?: string;
  readonly brokers?: string;
  readonly json?: boolean;
}

export const devCommand = buildCommand<Arguments, [], Context>({
  docs: {
    brief: 'Run connectors here exactly as Lambda would call them',
    fullDescription: `Emulates Lambda's event source mapping: batches, retries, timeouts, and the exported handler in a process of its own.\nVariables that are resolved without a cloud:\n  ${offlineSources.join('\n  ')}\n${examples('sluice dev', 'sluice dev --only quakes-to-alerts --once --dry-run', 'sluice dev --events recorded.json')}`,
  },
  parameters: {
    flags: {
      ...serviceFlags,
      only: list('Only this connector', 'name'),
      once: flag('End when everything that is there now was delivered'),
      fromBeginning: flag('Begin at the oldest record'),
      dryRun: flag('Show what would be written; write and commit nothing'),
      events: text('Recorded events instead of Kafka: JSON, a list, or one a line', 'file'),
      brokers: text('Brokers instead of those of the service', 'host:port'),
      json: flag('One JSON object a line instead of text'),
    },
  },
  async func(this: Context, flags) {
    const { dev } = await import('../dev.ts');
    this.exit(await dev(withParams(flags), this.world));
  },
});
