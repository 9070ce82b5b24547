import type { KafkaRecord } from '../../core/record.ts';
import type { PlanContext, Sources } from './plan.ts';

type OriginName = 'topic' | 'partition' | 'offset' | 'timestamp' | 'epoch' | 'part';

interface OriginColumn {
  /** The column's name where the options give none; undefined where there is none then. */
  readonly preset?: string;
  /** Whether tables of key and value have to have it. */
  readonly required?: boolean;
  readonly types: readonly string[];
  readonly read: (record: KafkaRecord) => unknown;
}

const wholeNumbers = ['bigint', 'int', 'string', 'decimal'];

// The version says where a record was when it was first read, also of one that comes back from a dead letter topic.
const originColumns: Readonly<Record<OriginName, OriginColumn>> = {
  topic: { preset: 'topic', required: true, types: ['string', 'varchar'], read: ({ version }) => version.topic },
  partition: { preset: 'partition', required: true, types: wholeNumbers, read: ({ version }) => version.partition },
  offset: { preset: 'offset', required: true, types: ['bigint', 'string', 'decimal'], read: ({ version }) => version.offset },
  timestamp: {
    preset: 'insert_time',
    types: ['bigint', 'timestamp', 'timestamp_ntz', 'datetime', 'string'],
    read: ({ timestamp }) => (timestamp < 0 ? null : timestamp), // Kafka says -1 for a record without a timestamp
  },
  epoch: { types: wholeNumbers, read: ({ version }) => version.epoch },
  part: { types: wholeNumbers, read: ({ part }) => part },
};

/** The columns that say which record a row came from. Those that the options name have to be there, and in tables of key and value those that every such table has. */
export function originSources({ config, columns, positions, expect }: PlanContext): Sources {
  const hasOwnColumns = config.columns !== undefined || config.format === 'flatten';
  const named = new Set(Object.keys(config.columns ?? {}).map((name) => name.toLowerCase()));
  const found: { readonly position: number; readonly read: OriginColumn['read'] }[] = [];
  const filled: Sources['columns'][number][] = [];
  for (const [name, { preset, required = false, types, read }] of Object.entries(originColumns)) {
    const given = config.origin?.[name as OriginName];
    const chosen = given ?? preset;
    if (chosen === undefined) continue;
    const isWanted = given !== undefined || (required && !hasOwnColumns);
    const column = columns.get(chosen.toLowerCase());
    // What connector.sink.columns fills, or what has the type of something else, is a column of the table's own.
    if (!isWanted && (column === undefined || named.has(column.name) || (hasOwnColumns && !types.includes(column.type.name)))) continue;
    const checked = expect(chosen, types, `it takes the ${name} of records, see connector.sink.origin`);
    found.push({ position: positions.get(checked) ?? 0, read });
    filled.push({ column: checked });
  }
  return {
    columns: filled,
    fill(record, values) {
      for (const { position, read } of found) values[position] = read(record);
    },
  };
}
