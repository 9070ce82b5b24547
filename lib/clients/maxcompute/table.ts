import type { Client } from './client.ts';
import { type ColumnType, parseColumnType } from './column-type.ts';
import { ServiceError } from './service-error.ts';

export interface Column {
  /** In lower case, as the service answers. */
  readonly name: string;
  /** As the service spells it. */
  readonly spelled: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly hasDefault: boolean;
}

export interface TableSchema {
  readonly columns: readonly Column[];
  /** Names of the partition columns, in order. */
  readonly partitionKeys: readonly string[];
  readonly isView: boolean;
}

/** A table, and where it is. */
export interface TableName {
  readonly schema?: string | undefined;
  readonly table: string;
}

/** The path of a table below an endpoint. */
export function tablePath({ project }: Client, { schema, table }: TableName): string {
  return schema === undefined ? `/projects/${project}/tables/${table}` : `/projects/${project}/schemas/${schema}/tables/${table}`;
}

/** Asks for the columns of a table. */
export async function describeTable(client: Client, name: TableName, signal: AbortSignal): Promise<TableSchema> {
  const { body } = await client.call({ service: 'odps', method: 'GET', path: tablePath(client, name), signal });
  const text = /<Schema[^>]*>([\s\S]*?)<\/Schema>/.exec(body.toString('utf8'))?.[1] ?? '';
  return readSchema(parseJson(xmlText(text)));
}

/** The schema in an answer. Throws a ServiceError `UnexpectedAnswer` for what is none. */
export function readSchema(value: unknown): TableSchema {
  const { columns, partitionKeys, isVirtualView, IsVirtualView } = recordOf(value);
  if (!Array.isArray(columns)) throw unexpected();
  const keys: readonly unknown[] = Array.isArray(partitionKeys) ? partitionKeys : [];
  return {
    columns: columns.map(readColumn),
    partitionKeys: keys.map((key) => readColumn(key).name),
    isView: (isVirtualView ?? IsVirtualView) === true,
  };
}

/** The JSON of an answer's body. Throws a ServiceError `UnexpectedAnswer` for anything else. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unexpected();
  }
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unexpected();
  return value as Readonly<Record<string, unknown>>;
}

/** For an answer that says yes, and then not what was asked. */
export function unexpected(): ServiceError {
  return new ServiceError(200, { code: 'UnexpectedAnswer' });
}

function readColumn(value: unknown): Column {
  const { name, type, nullable, isNullable, default_value, defaultValue } = recordOf(value);
  if (typeof name !== 'string' || typeof type !== 'string') throw unexpected();
  const preset = default_value ?? defaultValue;
  return {
    name: name.toLowerCase(),
    spelled: type.toLowerCase(),
    type: parseColumnType(type),
    nullable: String(nullable ?? isNullable ?? true).toLowerCase() !== 'false',
    hasDefault: preset !== undefined && preset !== null && preset !== '',
  };
}

/** The text of an XML element, whose CDATA sections may be split. */
export function xmlText(inner: string): string {
  return inner.replace(
    /<!\[CDATA\[([\s\S]*?)\]\]>|&(lt|gt|quot|apos|amp);/g,
    (_, data: string | undefined, entity: string) => data ?? entities[entity] ?? '',
  );
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
