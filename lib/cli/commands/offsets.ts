import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, examples, flag, number, text, withParams } from '../flags.ts';
import { type KafkaArguments, kafkaFlags, oneConnector } from './control-flags.ts';

const showCommand = buildCommand<KafkaArguments, [string], Context>({
  docs: {
    brief: 'Where the consumer group of a connector goes on',
    fullDescription: `For each partition: the next record, and what Kafka still has.\n${examples('sluice offsets show quakes-to-postgres')}`,
  },
  parameters: { flags: kafkaFlags, positional: oneConnector },
  async func(this: Context, flags, name) {
    const { offsetsShow } = await import('../offsets.ts');
    this.exit(await offsetsShow(withParams(flags), name, this.world));
  },
});

interface SetArguments extends KafkaArguments {
  readonly earliest?: boolean;
  readonly latest?: boolean;
  readonly offset?: number;
  readonly time?: string;
  readonly topic?: string;
  readonly partition?: readonly number[];
  readonly dryRun?: boolean;
}

const setCommand = buildCommand<SetArguments, [string], Context>({
  docs: {
    brief: 'Go on somewhere else, while it is paused',
    fullDescription: `Back delivers records again, which ordered sinks ignore where they have newer data; forward skips records. Refuses while somebody reads in the group, or a trigger is enabled.\n${examples('sluice offsets set quakes-to-postgres --time 6h --dry-run', 'sluice offsets set quakes-to-postgres --earliest', 'sluice offsets set quakes-to-postgres --time 2026-11-22T10:00:00Z --topic quakes', 'sluice offsets set quakes-to-postgres --offset 41 --partition 0')}`,
  },
  parameters: {
    flags: {
      ...kafkaFlags,
      earliest: flag('The oldest record that Kafka still has'),
      latest: flag('The next record that comes'),
      offset: number('This offset, of the one partition that is named', 'offset'),
      time: text('The first record from this time on: 2026-11-22T10:00:00Z, or so long ago: 90m, 6h, 2d', 'time'),
      topic: text('Only this topic', 'name'),
      partition: { ...number('Only this partition', 'number'), variadic: true },
      dryRun: flag('Show what would be set, and change nothing'),
    },
    positional: oneConnector,
  },
  async func(this: Context, flags, name) {
    const { offsetsSet } = await import('../offsets.ts');
    this.exit(await offsetsSet(withParams(flags), name, this.world));
  },
});

export const offsetsCommands = buildRouteMap({
  routes: { show: showCommand, set: setCommand },
  docs: { brief: 'Where connectors go on reading' },
});
