/** A type of MaxCompute, taken apart. Names are in lower case. */
export type ColumnType =
  | { readonly name: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly name: 'varchar' | 'char'; readonly length: number }
  | { readonly name: 'array'; readonly element: ColumnType }
  | { readonly name: 'map'; readonly key: ColumnType; readonly value: ColumnType }
  | { readonly name: 'struct'; readonly members: readonly { readonly name: string; readonly type: ColumnType }[] }
  | { readonly name: SimpleType }
  | { readonly name: 'unknown' };

export type SimpleType = (typeof simpleTypes)[number];

const simpleTypes = [
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'float',
  'double',
  'boolean',
  'string',
  'binary',
  'json',
  'date',
  'datetime',
  'timestamp',
  'timestamp_ntz',
  'interval_day_time',
  'interval_year_month',
] as const;

/** Reads a type as the service spells it, e.g. `DECIMAL(10, 2)` or ``struct<`a`:array<bigint>>``; `unknown` for what nobody knows. */
export function parseColumnType(text: string): ColumnType {
  const spelled = text.trim();
  const open = spelled.search(/[<(]/);
  const name = (open < 0 ? spelled : spelled.slice(0, open)).trim().toLowerCase();
  const inner = open < 0 ? undefined : spelled.slice(open + 1, -1);
  if (inner === undefined) {
    if (name === 'decimal') return { name, precision: 54, scale: 18 };
    return simpleTypes.includes(name as SimpleType) ? { name: name as SimpleType } : { name: 'unknown' };
  }
  const parts = splitOutside(inner, ',');
  const [first = '', second = ''] = parts;
  switch (name) {
    case 'decimal':
      return { name, precision: Number(first), scale: second === '' ? 0 : Number(second) };
    case 'varchar':
    case 'char':
      return { name, length: Number(first) };
    case 'array':
      return { name, element: parseColumnType(inner) };
    case 'map':
      return { name, key: parseColumnType(first), value: parseColumnType(second) };
    case 'struct':
      return { name, members: parts.map(member) };
    default:
      return { name: 'unknown' };
  }
}

function member(text: string): { readonly name: string; readonly type: ColumnType } {
  const [name = '', ...type] = splitOutside(text, ':');
  return { name: name.trim().replace(/^`(.*)`$/s, '$1'), type: parseColumnType(type.join(':')) };
}

/** The parts between separators that are in no brackets and no backquotes. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let isQuoted = false;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '`') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === '<' || character === '(') depth++;
    else if (character === '>' || character === ')') depth--;
    else if (character === separator && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}
