import { Refusal } from './refusal.ts';
import { keyOf, readPartition, type Store, type Table } from './store.ts';
import { column, splitOutside } from './types.ts';

/** A statement fails with what its instance then shows as the result. */
export class FailedStatement extends Error {}

const name = '(?:`?\\w+`?\\.)*`?\\w+`?';
const addPartition = new RegExp(`^ALTER\\s+TABLE\\s+(${name})\\s+ADD\\s+(IF\\s+NOT\\s+EXISTS\\s+)?(PARTITION\\s*\\(.*\\))$`, 'is');
const addColumns = new RegExp(`^ALTER\\s+TABLE\\s+(${name})\\s+ADD\\s+COLUMNS?\\s*(?:IF\\s+NOT\\s+EXISTS\\s*)?\\((.*)\\)$`, 'is');
const createTable = new RegExp(
  `^CREATE\\s+TABLE\\s+(IF\\s+NOT\\s+EXISTS\\s+)?(${name})\\s*\\((.*?)\\)\\s*(?:PARTITIONED\\s+BY\\s*\\(([^)]*)\\))?\\s*(?:LIFECYCLE\\s+\\d+)?$`,
  'is',
);
const dropTable = new RegExp(`^DROP\\s+TABLE\\s+(IF\\s+EXISTS\\s+)?(${name})$`, 'is');

/** Runs the few statements that this server knows; throws a FailedStatement where one cannot run. */
export function runStatement(store: Store, project: string, query: string): void {
  if (!/;\s*$/.test(query)) throw new FailedStatement('ODPS-0130161:[1,1] Parse exception - the statement has no end');
  const statement = query.trim().replace(/\s*;$/, '');
  const partition = addPartition.exec(statement);
  const columns = addColumns.exec(statement);
  const create = createTable.exec(statement);
  const drop = dropTable.exec(statement);
  if (partition !== null) runAddPartition(tableOf(store, project, partition[1]), partition[3] ?? '', partition[2] !== undefined);
  else if (columns !== null) runAddColumns(tableOf(store, project, columns[1]), columns[2] ?? '');
  else if (create !== null) runCreateTable(store, project, create);
  else if (drop !== null) runDropTable(store, project, drop);
  else throw new FailedStatement('ODPS-0130161:[1,1] Parse exception - this server does not know the statement');
}

function runDropTable(store: Store, project: string, [, mayMiss, target]: RegExpExecArray): void {
  const { schema, table } = readName(project, target);
  if (!store.tables.delete(keyOf(schema, table)) && mayMiss === undefined) throw notFound(table);
}

function runAddPartition(table: Table, clauses: string, mayExist: boolean): void {
  for (const [, values = ''] of clauses.matchAll(/PARTITION\s*\(((?:'[^']*'|[^)'])*)\)/gi)) {
    const spec = values
      .split(',')
      .map((part) => {
        const [, key = '', value] = /^\s*`?(\w+)`?\s*=\s*(?:'([^'\\]*)')\s*$/.exec(part) ?? [];
        if (value === undefined) throw new FailedStatement('ODPS-0130161:[1,1] Parse exception - invalid partition value');
        return `${key}=${value}`;
      })
      .join();
    const partition = orFailed(() => readPartition(table, spec));
    if (table.partitions.has(partition) && !mayExist)
      throw new FailedStatement('ODPS-0110999:Partition already exists - the partition exists');
    if (!table.partitions.has(partition)) table.partitions.set(partition, []);
  }
}

function runAddColumns(table: Table, list: string): void {
  const added = readColumns(list);
  const twice = added.find((field) => table.columns.some((there) => there.name === field.name));
  if (twice !== undefined)
    throw new FailedStatement(`ODPS-0130071:[1,1] Semantic analysis exception - column ${twice.name} already exists`);
  table.columns = [...table.columns, ...added];
  table.schemaVersion++;
}

function runCreateTable(store: Store, project: string, [, mayExist, target, columns = '', keys = '']: RegExpExecArray): void {
  const { schema, table } = readName(project, target);
  if (store.tables.has(keyOf(schema, table))) {
    if (mayExist !== undefined) return;
    throw new FailedStatement(`ODPS-0130071:[1,1] Semantic analysis exception - table ${table} already exists`);
  }
  const declared = (list: string) =>
    Object.fromEntries(readColumns(list).map((field) => [field.name, `${field.declared}${field.nullable ? '' : ' not null'}`]));
  store.create(table, { ...(schema === undefined ? {} : { schema }), columns: declared(columns), partitionedBy: declared(keys) });
}

function readColumns(list: string) {
  return splitOutside(list).map((part) => {
    const [, field = '', type = ''] = /^\s*`?(\w+)`?\s+(.*?)(?:\s+COMMENT\s+'.*')?\s*$/is.exec(part) ?? [];
    try {
      return column(field, type);
    } catch {
      throw new FailedStatement('ODPS-0130161:[1,1] Parse exception - invalid column');
    }
  });
}

function tableOf(store: Store, project: string, target: string | undefined): Table {
  const { schema, table } = readName(project, target);
  return orFailed(() => store.find(schema, table));
}

function readName(project: string, target = ''): { readonly schema?: string; readonly table: string } {
  const parts = target.split('.').map((part) => part.replaceAll('`', ''));
  const [table = ''] = parts.slice(-1);
  if (parts.length === 2 && parts[0] !== project) throw notFound(table);
  const schema = parts.length === 3 ? parts[1] : undefined;
  return schema === undefined ? { table } : { schema, table };
}

function notFound(table: string): FailedStatement {
  return new FailedStatement(`ODPS-0130131:[1,1] Table not found - table ${table} cannot be resolved`);
}

function orFailed<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw error instanceof Refusal ? new FailedStatement(error.message) : error;
  }
}
