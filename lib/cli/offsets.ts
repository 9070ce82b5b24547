import { ConfigError } from '../core/errors.ts';
import { readSettings } from '../core/settings.ts';
import { applyMoves, type Move, planMoves, positions, type Target } from '../platforms/offsets.ts';
import { readOne } from './chosen.ts';
import { findControls, groupsOf, isWithoutAws } from './controls.ts';
import type { CommandWorld } from './dev.ts';
import { type LagFlags, lagLines, viewKafka, waitingRecords } from './lag.ts';
import type { ServiceConnector } from './service.ts';
import { tableLines } from './table.ts';
import { count, counted, type Terminal, terminal } from './terminal.ts';

export interface OffsetsSetFlags extends LagFlags {
  readonly earliest?: boolean;
  readonly latest?: boolean;
  readonly offset?: number;
  /** A time with its zone, or a time ago such as 90m, 6h, 2d. */
  readonly time?: string;
  readonly topic?: string;
  readonly partition?: readonly number[];
  readonly dryRun?: boolean;
}

/** Prints where the groups of a connector stand. */
export async function offsetsShow(flags: LagFlags, name: string, world: CommandWorld): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const { service, own } = await readOne(flags, name, world);
  const controls = await findControls(service, flags, world);
  const view = await viewKafka(service, flags.brokers, world);
  try {
    const groups = groupsOf(service, own, platformOf(controls.workersOf(own) !== undefined, flags));
    const partitions = await waitingRecords(view, own, groups, Date.now());
    const members = await Promise.all(groups.map(async ({ groupId }) => ({ groupId, ...(await view.admin.group(groupId)) })));
    if (flags.json === true) out.line(JSON.stringify({ connector: name, groups: members, partitions }, null, 2));
    else {
      for (const { groupId, state, members: own } of members) out.line(`  ${groupId}   ${state.toLowerCase()}, ${counted(own, 'member')}`);
      for (const line of lagLines(name, partitions)) out.line(line);
    }
    return 0;
  } finally {
    await view.close();
  }
}

/** Sets where the groups of a connector go on, or with --dry-run shows it. Refuses while somebody reads in them. Answers the exit code. */
export async function offsetsSet(flags: OffsetsSetFlags, name: string, world: CommandWorld): Promise<number> {
  const target = targetOf(flags, Date.now());
  const out = terminal(world.stdout, world.env);
  const { service, own } = await readOne(flags, name, world);
  const controls = await findControls(service, flags, world);
  const platform = platformOf(controls.workersOf(own) !== undefined, flags);
  const view = await viewKafka(service, flags.brokers, world);
  try {
    const { admin } = view;
    const current = await positions(admin, groupsOf(service, own, platform), readSettings(own.connector).settings);
    const moves = await planMoves(admin, current, target, { topic: flags.topic, partitions: flags.partition });
    const isDry = flags.dryRun === true;
    if (!isDry) {
      await refuseEnabled(own, controls, flags, name);
      await applyMoves(admin, moves, whatToDo(name, platform));
    }
    if (flags.json === true) out.line(JSON.stringify({ connector: name, isApplied: !isDry, moves }, null, 2));
    else print(name, moves, isDry, out);
    return 0;
  } finally {
    await view.close();
  }
}

function platformOf(hasWorkers: boolean, { on }: LagFlags): 'worker' | 'lambda' {
  return hasWorkers || on === 'worker' ? 'worker' : 'lambda';
}

function whatToDo(name: string, platform: 'worker' | 'lambda'): string {
  return platform === 'worker'
    ? `Pause it first: npx sluice pause ${name}`
    : `Pause it first: npx sluice pause ${name}, and stop what else reads in the group.`;
}

/** A trigger commits again as soon as it polls, even if nobody is in the group at the moment. */
async function refuseEnabled(
  own: ServiceConnector,
  controls: Awaited<ReturnType<typeof findControls>>,
  { on }: LagFlags,
  name: string,
): Promise<void> {
  if (on === 'worker' || controls.workersOf(own) !== undefined) return;
  const control = await controls.of(own);
  const observed = await control.status().catch((error: unknown) => {
    // Without a way to AWS it is for the group to say whether somebody reads.
    if (isWithoutAws(error) && on === undefined) return undefined;
    throw error;
  });
  if (observed === undefined || observed.state === 'absent' || observed.state === 'paused') return;
  if (observed.state === 'failing' && observed.instances === 0) return;
  throw new ConfigError(
    'TRIGGER_ENABLED',
    `The trigger of ${own.functionName} is ${observed.state === 'pausing' ? 'still being disabled' : 'enabled'} and would commit over it. ${observed.state === 'pausing' ? 'Wait for npx sluice status to say paused.' : `Pause it first: npx sluice pause ${name}`}`,
  );
}

function print(name: string, moves: readonly Move[], isDry: boolean, out: Terminal): void {
  const right = (heading: string) => ({ heading, align: 'right' }) as const;
  const rows = moves.map(({ topic, partition, committed, target, low, high, lag }) => {
    const from = high - lag;
    const change =
      target < from ? `${counted(from - target, 'record')} again` : target > from ? `${counted(target - from, 'record')} skipped` : '';
    return [`${topic}-${partition}`, committed === undefined ? '–' : count(committed), count(target), count(low), count(high), change];
  });
  for (const line of tableLines(['partition', right('was'), right(isDry ? 'would be' : 'is'), right('from'), right('to'), ''], rows))
    out.line(`  ${line}`);
  out.line();
  out.line(isDry ? '  Nothing was changed. Leave --dry-run out to do it.' : `  Go on: npx sluice resume ${name}`);
}

/** Throws a ConfigError unless exactly one way was said. */
function targetOf({ earliest, latest, offset, time }: OffsetsSetFlags, now: number): Target {
  const targets: Target[] = [
    ...(earliest === true ? [{ to: 'earliest' } as const] : []),
    ...(latest === true ? [{ to: 'latest' } as const] : []),
    ...(offset === undefined ? [] : [{ to: 'offset', offset } as const]),
    ...(time === undefined ? [] : [{ to: 'time', timestamp: parseTime(time, now) } as const]),
  ];
  const [target] = targets;
  if (target !== undefined && targets.length === 1) return target;
  throw new ConfigError('USAGE', 'Say where to go on with one of --earliest, --latest, --offset N or --time TIME.');
}

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time with its zone, or one that is so long ago. Throws a ConfigError for anything else. */
export function parseTime(text: string, now: number): number {
  const [, amount, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (amount !== undefined) return now - Number(amount) * (unitsMs[unit] ?? 0);
  const isZoned = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const time = Date.parse(text);
  if (isZoned && Number.isFinite(time)) return time;
  throw new ConfigError('USAGE', 'Expected --time to be like 2026-11-22T10:00:00Z, or a time ago: 90m, 6h, 2d.');
}
