import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, examples, jsonFlag, list, number, type ServiceArguments, serviceFlags, text, withParams } from '../flags.ts';

interface PlanArguments extends ServiceArguments {
  readonly only?: readonly string[];
  readonly brokers?: string;
  readonly json?: boolean;
}

const planFlags = {
  ...serviceFlags,
  only: list('Only the topics of this connector', 'name'),
  brokers: text('Brokers instead of those of the service', 'host:port'),
  json: jsonFlag,
} as const;

const planCommand = buildCommand<PlanArguments, [], Context>({
  docs: {
    brief: 'What the topics of the connectors need',
    fullDescription: `Changes nothing. A dead letter topic takes records 64 KiB larger than its sources, as letters carry more headers. Exit code: 0 when nothing is to be done, 2 when something is.\n${examples('sluice topics plan', 'sluice topics plan --only quakes-to-postgres --stage prod')}`,
  },
  parameters: { flags: planFlags },
  async func(this: Context, flags) {
    const { topicsPlan } = await import('../topics.ts');
    this.exit(await topicsPlan(withParams(flags), this.world));
  },
});

interface ApplyArguments extends PlanArguments {
  readonly replication?: number;
  readonly retention?: number;
}

const applyCommand = buildCommand<ApplyArguments, [], Context>({
  docs: {
    brief: 'Create dead letter topics, and raise the record limit of those that take too little',
    fullDescription: `Inputs are not created: their producers know what they need.\n${examples('sluice topics apply --stage prod', 'sluice topics apply --replication 3 --retention 90')}`,
  },
  parameters: {
    flags: {
      ...planFlags,
      replication: number("Replicas of new topics; the cluster's default when not given", 'count'),
      retention: number('Days for which new dead letter topics keep letters (30)', 'days'),
    },
  },
  async func(this: Context, flags) {
    const { topicsApply } = await import('../topics.ts');
    this.exit(await topicsApply(withParams(flags), this.world));
  },
});

export const topicsCommands = buildRouteMap({
  routes: { plan: planCommand, apply: applyCommand },
  docs: { brief: 'The topics that connectors read and write letters to' },
});
