import type { Target } from './target.ts';
import { lakeTarget } from './targets/lake.ts';
import { maxcomputeTarget } from './targets/maxcompute.ts';
import { oncallTarget } from './targets/oncall.ts';
import { searchTarget } from './targets/search.ts';
import { webhookTarget } from './targets/webhook.ts';

/** Targets that run, and those that this machine cannot run. */
export interface StartedTargets {
  readonly targets: readonly Target[];
  readonly missing: readonly { readonly connector: string; readonly error: Error }[];
  stop(): Promise<void>;
}

/** Starts every target beside Kafka and PostgreSQL. Those with a disk keep what they have in the folder. */
export function startMoreTargets(folder: string): Promise<StartedTargets> {
  return startTargets({
    'quakes-to-search': () => searchTarget(folder),
    'quakes-to-lake': () => lakeTarget(folder),
    'quakes-to-oncall': oncallTarget,
    'quakes-to-webhook': webhookTarget,
    'flights-to-maxcompute': maxcomputeTarget,
  });
}

/** Starts the targets of these connectors side by side. What cannot start keeps none of the others from it. */
export async function startTargets(starters: Readonly<Record<string, () => Promise<Target>>>): Promise<StartedTargets> {
  const results = await Promise.all(
    Object.entries(starters).map(async ([connector, start]) => ({ connector, result: await start().catch(asError) })),
  );
  const targets = results.flatMap(({ result }) => (result instanceof Error ? [] : [result]));
  return {
    targets,
    missing: results.flatMap(({ connector, result }) => (result instanceof Error ? [{ connector, error: result }] : [])),
    stop: async () => void (await Promise.allSettled(targets.map((target) => target.stop()))),
  };
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
