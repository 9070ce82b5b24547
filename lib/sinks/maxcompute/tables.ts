import type { Client } from '../../clients/maxcompute/client.ts';
import { describeTable, type TableName, type TableSchema } from '../../clients/maxcompute/table.ts';
import type { Options } from './options.ts';
import { type Plan, planFor, signatureOf } from './plan.ts';

/** The plans of the tables that are written to, each made when it is first needed. */
export interface Tables {
  /** Looks the table up unless it is known. Throws a ConfigError when it does not fit the options. */
  plan(table: string, signal: AbortSignal): Promise<Plan>;
  /** The plan for a table as it is now, or was a second ago, and when that was: for records that an older plan refused. */
  planOfToday(table: string, signal: AbortSignal): Promise<{ readonly plan: Plan; readonly asOf: number }>;
  /** The plan for the columns that a new session names: the one before, unless the table has changed. */
  planOf(table: string, schema: TableSchema, maxFieldBytes: number | undefined): Promise<Plan>;
  forget(table: string): void;
}

const defaultFieldBytes = 8 * 1_024 * 1_024;
/** Records that are refused for good must not have the table looked up with every batch. */
const lookUpEveryMs = 1_000;
const mostKept = 1_000;

export function openTables(client: Client, config: Options, now: () => number): Tables {
  const plans = new Map<string, Promise<Plan>>();
  const lookUps = new Map<string, { readonly plan: Promise<Plan>; readonly asOf: number }>();
  const keep = (table: string, plan: Promise<Plan>): Promise<Plan> => {
    plans.set(table, plan);
    plan.catch(() => {
      if (plans.get(table) === plan) plans.delete(table);
    });
    bound(plans);
    return plan;
  };
  const lookUp = (table: string, signal: AbortSignal): Promise<Plan> => {
    const name: TableName = { schema: config.schema, table };
    // An upload session says itself how large a field may be.
    const maxFieldBytes = config.upload === 'block' ? Number.POSITIVE_INFINITY : defaultFieldBytes;
    const plan = describeTable(client, name, signal).then((schema) => planFor(table, schema, maxFieldBytes, config));
    const latest = { plan, asOf: now() };
    lookUps.set(table, latest);
    plan.catch(() => {
      if (lookUps.get(table) === latest) lookUps.delete(table);
    });
    bound(lookUps);
    return keep(table, plan);
  };

  return {
    plan: async (table, signal) => await (plans.get(table) ?? lookUp(table, signal)),
    async planOfToday(table, signal) {
      const latest = lookUps.get(table);
      if (latest !== undefined && now() - latest.asOf < lookUpEveryMs) return { plan: await latest.plan, asOf: latest.asOf };
      const asOf = now();
      return { plan: await lookUp(table, signal), asOf };
    },
    async planOf(table, session, maxFieldBytes = defaultFieldBytes) {
      const known = await plans.get(table)?.catch(() => undefined);
      if (known?.signature === signatureOf(session, maxFieldBytes)) return known;
      // A session does not always name the partition columns; they have been checked when the table was looked up.
      const partitionKeys = known?.partitionKeys ?? session.partitionKeys;
      return await keep(
        table,
        Promise.resolve().then(() => planFor(table, { ...session, partitionKeys }, maxFieldBytes, config)),
      );
    },
    forget(table) {
      plans.delete(table);
      lookUps.delete(table);
    },
  };
}

/** Records may choose ever new tables; what was added first goes first. */
function bound(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size <= mostKept) break;
    map.delete(oldest);
  }
}
