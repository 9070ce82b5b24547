import { ConfigError } from '../../core/errors.ts';
import type { Database } from './database.ts';
import { sqlState } from './errors.ts';
import type { Options } from './options.ts';
import { quoted } from './sql.ts';

export interface Column {
  readonly name: string;
  /** As in a definition, e.g. `numeric(10,2)`. */
  readonly type: string;
  /** The same without its limits, and below a domain. A cast to it cuts nothing. */
  readonly unlimited: string;
  /** The catalog's name of the type below a domain, e.g. `int8`; of an array that of its elements. */
  readonly base: string;
  readonly kind: 'plain' | 'array' | 'enum' | 'domain' | 'other';
  readonly notNull: boolean;
  readonly hasDefault: boolean;
  /** Written by the server alone. */
  readonly generated: boolean;
  /** Characters at most, for `varchar(n)` and `char(n)`. */
  readonly maxLength?: number;
  /** For `numeric(precision, scale)`. */
  readonly precision?: number;
  readonly scale?: number;
  /** The values of an enum. */
  readonly labels?: readonly string[];
}

export interface Table {
  /** With its schema and in quotes. */
  readonly sql: string;
  readonly name: string;
  readonly columns: ReadonlyMap<string, Column>;
  /** The columns of each unique index that an upsert can refer to. */
  readonly uniqueKeys: readonly (readonly string[])[];
  /** Columns that decide where a row is kept, on servers that spread their rows. */
  readonly distribution: readonly string[];
}

/** What the server knows about a table; nothing when there is none. */
export async function readTable(
  database: Database,
  name: { readonly table: string; readonly schema: string | undefined },
  signal: AbortSignal,
  dialect: Options['dialect'] = 'postgres',
): Promise<Table | undefined> {
  const { rows } = await (dialect === 'postgres'
    ? database.run({ text: tableQuery, values: [qualified(name)] }, signal)
    : database.run({ text: analyticdbQuery, values: [name.table, name.schema ?? null] }, signal).catch(explain));
  const found = rows[0] as FoundTable | undefined;
  if (found === undefined) return undefined;
  return {
    sql: `${quoted(found.schema)}.${quoted(found.name)}`,
    name: name.table,
    columns: new Map(found.columns.map((column) => [column.name, toColumn(column)])),
    uniqueKeys: found.unique_keys ?? [],
    distribution: found.distribution ?? [],
  };
}

export function qualified({ table, schema }: { readonly table: string; readonly schema: string | undefined }): string {
  return schema === undefined ? quoted(table) : `${quoted(schema)}.${quoted(table)}`;
}

interface FoundTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly FoundColumn[];
  readonly unique_keys: readonly (readonly string[])[] | null;
  readonly distribution?: readonly string[] | null;
}

interface FoundColumn {
  readonly name: string;
  readonly type: string;
  readonly unlimited: string;
  readonly base: string;
  readonly kind: string;
  readonly category: string;
  readonly typmod: number;
  readonly not_null: boolean;
  readonly has_default: boolean;
  readonly generated: boolean;
  readonly labels: readonly string[] | null;
}

function explain(error: unknown): never {
  if (sqlState(error) !== '42P01') throw error;
  throw new ConfigError(
    'SINK_MISCONFIGURED',
    'The server keeps no distribution keys, so it is not AnalyticDB for PostgreSQL. Set connector.sink.dialect to postgres.',
  );
}

/** What identity and generated columns are to newer servers, older ones do not know; nor columns that an index only includes. */
interface Since {
  readonly identity: string;
  readonly generated: string;
  readonly keyColumns: string;
  readonly more: string;
  readonly isTable: string;
}

const tableQuery = queryFor({
  identity: ` or a.attidentity <> ''`,
  generated: `a.attgenerated <> '' or a.attidentity = 'a'`,
  keyColumns: '(i.indkey::int2[])[0:i.indnkeyatts - 1]',
  more: '',
  isTable: 'c.oid = to_regclass($1)',
});

const analyticdbQuery = queryFor({
  identity: '',
  generated: 'false',
  keyColumns: 'i.indkey::int2[]',
  more: `,
  (select json_agg(a.attname) from gp_distribution_policy p
     join pg_attribute a on a.attrelid = p.localoid and a.attnum = any(p.distkey::int2[]) where p.localoid = c.oid) as distribution`,
  isTable: 'c.relname = $1::text and (n.nspname = $2::text or ($2::text is null and pg_table_is_visible(c.oid)))',
});

function queryFor({ identity, generated, keyColumns, more, isTable }: Since): string {
  return `
select n.nspname as schema, c.relname as name,
  (select json_agg(json_build_object(
      'name', a.attname,
      'type', format_type(a.atttypid, a.atttypmod),
      'unlimited', format_type(case when t.typtype = 'd' then t.typbasetype else t.oid end, -1),
      'base', coalesce(e.typname, b.typname, t.typname),
      'kind', t.typtype,
      'category', t.typcategory,
      'typmod', case when t.typtype = 'd' then t.typtypmod else a.atttypmod end,
      'not_null', a.attnotnull,
      'has_default', a.atthasdef${identity},
      'generated', ${generated},
      'labels', (select json_agg(l.enumlabel) from pg_enum l where l.enumtypid = t.oid)
    ) order by a.attnum)
   from pg_attribute a
   join pg_type t on t.oid = a.atttypid
   left join pg_type b on t.typtype = 'd' and b.oid = t.typbasetype
   left join pg_type e on t.typcategory = 'A' and e.oid = t.typelem
   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  (select json_agg(k.names) from (
    select (select json_agg(a.attname) from pg_attribute a
             where a.attrelid = i.indrelid and a.attnum = any(${keyColumns})) as names
    from pg_index i
    where i.indrelid = c.oid and i.indisunique and i.indimmediate and i.indisvalid and i.indpred is null and i.indexprs is null) k) as unique_keys${more}
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where ${isTable} and c.relkind in ('r', 'p', 'v', 'f')`;
}

function toColumn(found: FoundColumn): Column {
  const { name, type, unlimited, base, typmod, labels } = found;
  const kind =
    found.category === 'A' ? 'array' : labels !== null ? 'enum' : found.kind === 'd' ? 'domain' : found.kind === 'b' ? 'plain' : 'other';
  const common = {
    name,
    type,
    unlimited,
    base,
    kind,
    notNull: found.not_null,
    hasDefault: found.has_default,
    generated: found.generated,
  } as const;
  if (labels !== null) return { ...common, labels };
  if (kind === 'array' || typmod < 4) return common;
  if (base === 'varchar' || base === 'bpchar') return { ...common, maxLength: typmod - 4 };
  if (base === 'numeric') {
    const scale = (typmod - 4) & 0x7ff;
    return { ...common, precision: (typmod - 4) >> 16, scale: scale > 1_000 ? scale - 2_048 : scale };
  }
  return common;
}
