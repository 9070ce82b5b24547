import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, examples, flag, jsonFlag, number, type ServiceArguments, serviceFlags, text, withParams } from '../flags.ts';

interface Shared extends ServiceArguments {
  readonly brokers?: string;
  readonly topic?: string;
  readonly json?: boolean;
  readonly group?: string;
  readonly origin?: string;
  readonly since?: string;
  readonly until?: string;
}

const sharedFlags = {
  ...serviceFlags,
  brokers: text('Brokers instead of those of the service', 'host:port'),
  topic: text("A dead letter topic instead of the connector's", 'topic'),
  group: text('Only this kind of failure, as sluice dlq list names it', 'id'),
  origin: text('Only records of this topic, partition (quakes-2) or place (quakes-2@17)', 'place'),
  since: text('Only failures since then: 30m, 2h, 7d ago, or a time such as 2026-03-01T09:00', 'time'),
  until: text('Only failures before then', 'time'),
  json: jsonFlag,
} as const;

const listCommand = buildCommand<Shared & { readonly all?: boolean }, [string?], Context>({
  docs: {
    brief: 'What failed, one line for each kind of failure',
    fullDescription: `Without a connector it lists the letters of all connectors of the service.\n${examples('sluice dlq list', 'sluice dlq list quakes-to-postgres --since 2h', 'sluice dlq list --topic quakes.dlq --json')}`,
  },
  parameters: {
    flags: { ...sharedFlags, all: flag('Those too that were replayed from here') },
    positional: { kind: 'tuple', parameters: [{ brief: 'The connector', placeholder: 'connector', parse: String, optional: true }] },
  },
  async func(this: Context, flags, name) {
    const { dlqList } = await import('../dlq/list.ts');
    this.exit(await dlqList(withParams(flags), name, this.world));
  },
});

const showCommand = buildCommand<Shared & { readonly full?: boolean }, [string], Context>({
  docs: {
    brief: 'One letter: where it came from, why it is there, its headers and bytes',
    fullDescription: `Shows the letter at a place, or the last one of a connector that fits.\n${examples('sluice dlq show quakes.dlq-0@3', 'sluice dlq show quakes-to-postgres --group 7f3a --full')}`,
  },
  parameters: {
    flags: { ...sharedFlags, full: flag('Cut nothing') },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'A letter as topic-partition@offset, or a connector', placeholder: 'letter|connector', parse: String }],
    },
  },
  async func(this: Context, flags, which) {
    const { dlqShow } = await import('../dlq/show.ts');
    this.exit(await dlqShow(withParams(flags), which, this.world));
  },
});

const exportCommand = buildCommand<Shared & { readonly text?: boolean; readonly out?: string }, [string?], Context>({
  docs: {
    brief: 'Letters with their bytes as JSON lines',
    fullDescription: `${examples('sluice dlq export quakes-to-postgres > letters.jsonl', 'sluice dlq export quakes-to-postgres --group 7f3a --since 7d --text --out letters.jsonl')}`,
  },
  parameters: {
    flags: {
      ...sharedFlags,
      text: flag('Keys and values that are UTF-8 as text instead of base64'),
      out: text('Write to this file', 'file'),
    },
    positional: { kind: 'tuple', parameters: [{ brief: 'The connector', placeholder: 'connector', parse: String, optional: true }] },
  },
  async func(this: Context, flags, name) {
    const { dlqExport } = await import('../dlq/export.ts');
    this.exit(await dlqExport(withParams(flags), name, this.world));
  },
});

interface ReplayArguments extends Shared {
  readonly to?: string;
  readonly transform?: string;
  readonly rate?: number;
  readonly limit?: number;
  readonly maxReplays?: number;
  readonly again?: boolean;
  readonly dryRun?: boolean;
}

const replayCommand = buildCommand<ReplayArguments, [string], Context>({
  docs: {
    brief: 'Send letters again: through the connector into its sink, or to the topic they came from',
    fullDescription: [
      'Only letters of this connector are touched. Into the sink (the default) each record keeps the version that it failed with, so that newer data',
      'stays, and only the parts that failed are written. To the topic everybody who reads it gets the record again, as a new one.',
      'An interrupted replay goes on where it stopped. Replayed letters are marked in .sluice/replays, not deleted.',
      examples(
        'sluice dlq replay quakes-to-postgres --group 7f3a --dry-run',
        'sluice dlq replay quakes-to-postgres --group 7f3a --rate 200',
        'sluice dlq replay quakes-to-postgres --transform mend.ts --limit 20',
        'sluice dlq replay orders-connect --topic orders.dlq --to topic',
      ),
    ].join('\n'),
  },
  parameters: {
    flags: {
      ...sharedFlags,
      to: text('sink or topic (sink)', 'where'),
      transform: text('A file whose function edit changes each record first', 'file'),
      rate: number('Letters per second at most', 'letters'),
      limit: number('Only so many, the oldest first', 'letters'),
      maxReplays: number('Hold letters that failed again after so many replays (3)', 'times'),
      again: flag('Those too that were replayed from here'),
      dryRun: flag('Say what would be sent, and try 20 of them up to the target; write nothing'),
    },
    positional: { kind: 'tuple', parameters: [{ brief: 'The connector', placeholder: 'connector', parse: String }] },
  },
  async func(this: Context, flags, name) {
    const { dlqReplay } = await import('../dlq/replay.ts');
    this.exit(await dlqReplay(withParams(flags), name, this.world));
  },
});

export const dlqCommands = buildRouteMap({
  routes: { list: listCommand, show: showCommand, replay: replayCommand, export: exportCommand },
  docs: { brief: 'Dead letters: see why records failed, and send them again' },
});
