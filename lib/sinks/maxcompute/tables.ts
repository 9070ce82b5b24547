import type { Client } from '../../clients/maxcompute/client.ts';
import { describeTable, type TableName, type TableSchema } from '../../clients/maxcompute/table.ts';
import type { Options } from './options.ts';
import { type Plan, planFor, signatureOf } from './plan.ts';

/** The plans of the tables that are written to, each made when it is first needed. */
export interface Tables {
  /** Looks the table up unless it is known. Throws a ConfigError when it does not fit the options. */
  plan(table: string, signal: AbortSignal): Promise<Plan>;
  /** The plan for the columns that a session names: the one before, unless the table has changed. */
  planOf(table: string, schema: TableSchema, maxFieldBytes: number | undefined): Promise<Plan>;
  forget(table: string): void;
}

const defaultFieldBytes = 8 * 1_024 * 1_024;

export function openTables(client: Client, config: Options): Tables {
  const plans = new Map<string, Promise<Plan>>();
  const keep = (table: string, plan: Promise<Plan>): Promise<Plan> => {
    plans.set(table, plan);
    plan.catch(() => {
      if (plans.get(table) === plan) plans.delete(table);
    });
    return plan;
  };
  const lookUp = async (name: TableName, signal: AbortSignal): Promise<Plan> =>
    planFor(name.table, await describeTable(client, name, signal), defaultFieldBytes, config);

  return {
    plan: async (table, signal) => await (plans.get(table) ?? keep(table, lookUp({ schema: config.schema, table }, signal))),
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
    forget: (table) => void plans.delete(table),
  };
}
