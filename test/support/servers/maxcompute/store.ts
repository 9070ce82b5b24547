import { expectStorable } from './constraints.ts';
import type { Row } from './record-stream.ts';
import { Refusal } from './refusal.ts';
import { type Column, column } from './types.ts';

export interface Table {
  readonly schema?: string;
  readonly name: string;
  readonly partitionKeys: readonly Column[];
  /** Rows by partition: `pt=a,hh=b`, or the empty text where there are no partitions. */
  readonly partitions: Map<string, Row[]>;
  columns: readonly Column[];
  schemaVersion: number;
}

/** How tests declare a table: names and types, as in SQL. */
export interface TableDeclaration {
  readonly schema?: string;
  readonly columns: Readonly<Record<string, string>>;
  readonly partitionedBy?: Readonly<Record<string, string>>;
}

export interface Store {
  readonly tables: Map<string, Table>;
  create(name: string, declaration: TableDeclaration): Table;
  /** Throws the Refusal of a table that is not there. */
  find(schema: string | undefined, name: string): Table;
}

export function openStore(): Store {
  const tables = new Map<string, Table>();
  return {
    tables,
    create(name, { schema, columns, partitionedBy = {} }) {
      const declared = (fields: Readonly<Record<string, string>>) => Object.entries(fields).map(([field, type]) => column(field, type));
      const table: Table = {
        ...(schema === undefined ? {} : { schema }),
        name: name.toLowerCase(),
        columns: declared(columns),
        partitionKeys: declared(partitionedBy),
        partitions: new Map(),
        schemaVersion: 0,
      };
      if (table.partitionKeys.length === 0) table.partitions.set('', []);
      tables.set(keyOf(schema, name), table);
      return table;
    },
    find(schema, name) {
      const table = tables.get(keyOf(schema, name));
      if (table === undefined) throw new Refusal('NoSuchTable', `ODPS-0130131:Table not found - table ${name} cannot be resolved`);
      return table;
    },
  };
}

export function keyOf(schema: string | undefined, name: string): string {
  return `${schema ?? 'default'}.${name}`.toLowerCase();
}

/** The canonical name of the partition that a request names: every level, in the table's order. */
export function readPartition({ partitionKeys, name }: Table, spec: string | undefined): string {
  if (partitionKeys.length === 0) {
    if (spec !== undefined && spec !== '') throw new Refusal('InvalidPartitionSpec', `Table ${name} has no partitions.`);
    return '';
  }
  if (spec === undefined || spec === '') throw new Refusal('MissingPartitionSpec', `Table ${name} has partitions, and none is named.`);
  const parts = spec.split(',').map((part) => part.split('='));
  const levels = parts.map(([key = '']) => key.trim().toLowerCase());
  const wellFormed = parts.every((part) => part.length === 2 && part[1]?.trim() !== '');
  if (!wellFormed || levels.join() !== partitionKeys.map((key) => key.name).join())
    throw new Refusal('InvalidPartitionSpec', `Expected a value for each of ${partitionKeys.map((key) => key.name).join(', ')}.`);
  return parts.map(([, value = ''], index) => `${levels[index]}=${value.trim().replace(/["']/g, '')}`).join();
}

/** As `readPartition`, and throws where there is no such partition yet. */
export function expectPartition(table: Table, spec: string | undefined): string {
  const partition = readPartition(table, spec);
  if (!table.partitions.has(partition)) throw new Refusal('NoSuchPartition', `The specified partition does not exist: ${partition}`);
  return partition;
}

/** Adds rows that satisfy the columns; all of them or, with an exception, none. */
export function append(table: Table, partition: string, rows: readonly Row[]): void {
  for (const row of rows) expectStorable(table.columns, row);
  const there = table.partitions.get(partition) ?? [];
  table.partitions.set(partition, there);
  for (const row of rows) there.push(row);
}

/** Every row with the values of its partition, as a query over the whole table shows it. */
export function allRows(table: Table): Row[] {
  return [...table.partitions].flatMap(([partition, rows]) => rows.map((row) => ({ ...row, ...partitionValues(partition) })));
}

export function partitionValues(partition: string): Readonly<Record<string, string>> {
  return Object.fromEntries(partition === '' ? [] : partition.split(',').map((part) => part.split('=') as [string, string]));
}
