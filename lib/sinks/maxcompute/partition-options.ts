import { type Static, Type } from 'typebox';

const Level = Type.Object({
  column: Type.String({ pattern: '^[A-Za-z0-9_]{1,128}$', default: 'pt', description: 'Partition column, STRING.' }),
  by: Type.Union([Type.Literal('record-time'), Type.Literal('field'), Type.Literal('processing-time')], {
    default: 'record-time',
    description:
      'What decides: the timestamp of the record, a field of the value, or the time at which it is written. With processing-time a record that is written twice can be in two partitions.',
  }),
  field: Type.Optional(Type.String({ minLength: 1, description: 'Dotted field of the value for by: field.' })),
  window: Type.Union([Type.Literal('day'), Type.Literal('hour'), Type.Literal('minute')], {
    default: 'hour',
    description: 'How much time goes into one partition.',
  }),
  format: Type.String({
    minLength: 1,
    default: 'new',
    description:
      'How the time is spelled: new is yyyy-MM-dd, yyyy-MM-dd HH or yyyy-MM-dd HH:mm, old is MM-dd-yyyy with the same hours and minutes, anything else a pattern such as yyyyMMddHH. text takes the text of the field as it is, inside of allow.',
  }),
  timeZone: Type.String({
    minLength: 1,
    default: '+08:00',
    description: 'Time zone of the partitions, such as +08:00, UTC or Asia/Shanghai.',
  }),
  allow: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    description: 'Values, and prefixes that end in *, that records may choose with format: text.',
  }),
});

const none = Type.Literal(false);

/** One partition column, several in the order of the table, or false for a table without. */
export const partition = Type.Union([none, Level, Type.Array(Level, { minItems: 1 })], {
  default: { column: 'pt', by: 'record-time', window: 'hour', format: 'new', timeZone: '+08:00', allow: [] },
  description:
    'Which partition a record goes to. A list names several levels in the order of the table; false is for tables without partitions.',
});

export type PartitionLevel = Static<typeof Level>;

/** The levels, in order. */
export function levelsOf(config: false | PartitionLevel | readonly PartitionLevel[]): readonly PartitionLevel[] {
  if (config === false) return [];
  return Array.isArray(config) ? (config as readonly PartitionLevel[]) : [config as PartitionLevel];
}
