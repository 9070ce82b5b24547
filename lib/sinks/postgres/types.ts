/** Types of PostgreSQL by the names people give them, without limits. */
const names: ReadonlyMap<string, string> = new Map(
  Object.entries({
    bigint: 'bigint int8 long bigserial serial8',
    smallint: 'smallint int2 short',
    integer: 'integer int int4 serial serial4',
    boolean: 'boolean bool',
    real: 'real float4 float',
    // The example of AnalyticDB's own connector spells it so.
    'double precision': 'double precision|double|float8|doubleprecision|doublepericision',
    numeric: 'numeric decimal',
    text: 'text string',
    varchar: 'varchar|character varying',
    char: 'char|character|bpchar',
    date: 'date',
    time: 'time|time without time zone',
    'time with time zone': 'time with time zone|timetz',
    timestamp: 'timestamp|timestamp without time zone|datetime',
    'timestamp with time zone': 'timestamp with time zone|timestamptz',
    interval: 'interval',
    json: 'json',
    jsonb: 'jsonb',
    uuid: 'uuid',
    bytea: 'bytea binary',
    inet: 'inet',
    cidr: 'cidr',
    macaddr: 'macaddr',
    point: 'point',
    bit: 'bit',
    'bit varying': 'bit varying|varbit',
    money: 'money',
    xml: 'xml',
  }).flatMap(([type, aliases]) => aliases.split(aliases.includes('|') ? '|' : ' ').map((alias) => [alias, type] as const)),
);

const shape = /^([a-z\d ]+?)\s*(\(\s*\d+\s*(?:,\s*-?\d+\s*)?\))?( with(?:out)? time zone)?\s*((?:\[\])*)$/;

/** The type as PostgreSQL spells it; undefined for one that is not known. */
export function sqlType(text: string): string | undefined {
  const [, name = '', limits = '', zone = '', dimensions = ''] = shape.exec(text.trim().toLowerCase().replace(/\s+/g, ' ')) ?? [];
  const type = names.get(`${name}${zone}`);
  if (type === undefined) return undefined;
  const [first = '', ...rest] = type.split(' ');
  // The limit of a time stands before its zone.
  const limited = rest[0] === 'with' ? [`${first}${limits.replace(/\s/g, '')}`, ...rest].join(' ') : `${type}${limits.replace(/\s/g, '')}`;
  return `${limited}${dimensions}`;
}

/** The names that `sqlType` answers, for a message. */
export const knownTypes: readonly string[] = [...new Set(names.values())];
