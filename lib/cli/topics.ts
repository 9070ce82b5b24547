import { ConfigError } from '../core/errors.ts';
import { deadLetterTopicOf, readSettings, topicsOf } from '../core/settings.ts';
import { applyTopics, planTopics, type TopicPlan } from '../platforms/dead-letter-topics.ts';
import { readChosen, type ServiceFlags } from './chosen.ts';
import type { CommandWorld } from './dev.ts';
import { viewKafka } from './lag.ts';
import { tableLines } from './table.ts';
import { count, counted, type Terminal, terminal } from './terminal.ts';

export interface TopicsFlags extends ServiceFlags {
  readonly only?: readonly string[];
  readonly brokers?: string;
}

export interface TopicsApplyFlags extends TopicsFlags {
  /** Of new topics; the cluster's own default when not given. */
  readonly replication?: number;
  /** Days for which new dead letter topics keep letters. */
  readonly retention?: number;
}

const defaultRetentionDays = 30;
const dayMs = 86_400_000;

/** Prints what the topics of the connectors need. Answers the exit code: 0 when nothing, 2 when something has to be done. */
export async function topicsPlan(flags: TopicsFlags, world: CommandWorld): Promise<number> {
  return await withPlans(flags, world, async (plans, out) => {
    if (flags.json === true) out.line(JSON.stringify(plans, null, 2));
    else print(plans, 'planned', out);
    const open = plans.filter(({ action }) => action !== 'none');
    if (flags.json !== true && open.some(({ action }) => action !== 'missing')) out.line('\n  Do it: npx sluice topics apply');
    return open.length === 0 ? 0 : 2;
  });
}

/** Creates dead letter topics and raises their record limits. Answers the exit code: 0 when all is as it has to be, 2 when an input is missing. */
export async function topicsApply(flags: TopicsApplyFlags, world: CommandWorld): Promise<number> {
  const { replication: replicationFactor, retention = defaultRetentionDays } = flags;
  if (retention < 1) throw new ConfigError('USAGE', 'Expected --retention to be days, 1 or more.');
  return await withPlans(flags, world, async (plans, out, apply) => {
    await apply({ replicationFactor, retentionMs: retention * dayMs });
    if (flags.json === true) out.line(JSON.stringify(plans, null, 2));
    else print(plans, 'done', out);
    return plans.some(({ action }) => action === 'missing') ? 2 : 0;
  });
}

type Apply = (options: { readonly replicationFactor: number | undefined; readonly retentionMs: number }) => Promise<void>;

async function withPlans(
  flags: TopicsFlags,
  world: CommandWorld,
  work: (plans: readonly TopicPlan[], out: Terminal, apply: Apply) => Promise<number>,
): Promise<number> {
  const { service, chosen } = await readChosen(flags, flags.only ?? [], world);
  const view = await viewKafka(service, flags.brokers, world);
  try {
    const uses = chosen.map((own) => {
      const { settings } = readSettings(own.connector);
      return { connector: own.name, topics: topicsOf(settings), deadLetterTopic: deadLetterTopicOf(settings) };
    });
    const plans = await planTopics(view.admin, uses);
    return await work(plans, terminal(world.stdout, world.env), (options) => applyTopics(view.admin, plans, options));
  } finally {
    await view.close();
  }
}

function print(plans: readonly TopicPlan[], when: 'planned' | 'done', out: Terminal): void {
  const rows = plans.map((plan) => [
    plan.topic,
    plan.role === 'input' ? `input of ${named(plan.connectors)}` : `dead letters of ${named(plan.connectors)}`,
    plan.action === 'missing' ? '–' : count(plan.partitions),
    sizeOf(plan),
    styled(plan, when, out),
  ]);
  const columns = ['topic', '', { heading: 'partitions', align: 'right' }, { heading: 'largest record', align: 'right' }, ''] as const;
  for (const line of tableLines(columns, rows)) out.line(`  ${line}`);
  for (const { topic } of plans.filter(({ action }) => action === 'missing'))
    out.line(`\n  ${topic} is not there. Create it as its producers need it, or correct connector.trigger: inputs are not created here.`);
}

function named(connectors: readonly string[]): string {
  return connectors.length <= 2 ? connectors.join(', ') : counted(connectors.length, 'connector');
}

function sizeOf({ action, maxBytes, neededBytes }: TopicPlan): string {
  const bytes = action === 'create' || action === 'raise' ? neededBytes : maxBytes;
  return bytes === undefined ? '–' : `${count(bytes)} B`;
}

const words = {
  planned: { create: 'to be created', raise: 'record limit to be raised' },
  done: { create: 'created', raise: 'record limit raised' },
} as const;

function styled({ action }: TopicPlan, when: 'planned' | 'done', out: Terminal): string {
  if (action === 'none') return 'ok';
  if (action === 'missing') return out.style('red', 'missing');
  return out.style(when === 'done' ? 'green' : 'yellow', words[when][action]);
}
