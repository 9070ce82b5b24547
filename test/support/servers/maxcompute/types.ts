/** A column's type as the service writes it, taken apart. */
export type ColumnType =
  | { readonly name: ScalarName; readonly length?: number; readonly precision?: number; readonly scale?: number }
  | { readonly name: 'array'; readonly element: ColumnType }
  | { readonly name: 'map'; readonly key: ColumnType; readonly value: ColumnType }
  | { readonly name: 'struct'; readonly members: readonly { readonly name: string; readonly type: ColumnType }[] };

const scalars = [
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'float',
  'double',
  'boolean',
  'string',
  'varchar',
  'char',
  'binary',
  'decimal',
  'date',
  'datetime',
  'timestamp',
  'timestamp_ntz',
  'json',
  'interval_day_time',
  'interval_year_month',
] as const;

export type ScalarName = (typeof scalars)[number];

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** The type as it was declared. */
  readonly declared: string;
  readonly nullable: boolean;
}

/** Reads `array<decimal(10,2)>` and the like; throws where it is none. */
function parseType(text: string): ColumnType {
  const trimmed = text.trim();
  const [, word = '', rest = ''] = /^([A-Za-z_]+)\s*(.*)$/s.exec(trimmed) ?? [];
  const name = word.toLowerCase();
  const inner = /^<(.*)>$/s.exec(rest)?.[1];
  if (inner !== undefined) return parseNested(name, inner, text);
  const known = scalars.find((scalar) => scalar === name);
  const numbers = /^\(([\d\s,]+)\)$/.exec(rest)?.[1]?.split(',').map(Number) ?? [];
  if (known === undefined || (rest !== '' && numbers.length === 0)) throw new Error(`There is no type ${text}.`);
  if (known === 'decimal') return { name: known, precision: numbers[0] ?? 54, scale: numbers[1] ?? (numbers.length === 0 ? 18 : 0) };
  return numbers[0] === undefined ? { name: known } : { name: known, length: numbers[0] };
}

function parseNested(name: string, inner: string, text: string): ColumnType {
  const parts = splitOutside(inner);
  const [first = '', second = ''] = parts;
  if (name === 'array' && parts.length === 1) return { name, element: parseType(first) };
  if (name === 'map' && parts.length === 2) return { name, key: parseType(first), value: parseType(second) };
  if (name !== 'struct') throw new Error(`There is no type ${text}.`);
  const members = parts.map((part) => {
    const [, quoted, plain, type = ''] = /^\s*(?:`([^`]+)`|([^:`\s]+))\s*:(.*)$/s.exec(part) ?? [];
    return { name: quoted ?? plain ?? '', type: parseType(type) };
  });
  return { name, members };
}

/** Splits at the commas that no bracket encloses. */
export function splitOutside(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of text) {
    if ('<('.includes(character)) depth++;
    if ('>)'.includes(character)) depth--;
    if (character === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return part.trim() === '' ? parts : [...parts, part];
}

/** `bigint not null` and the like: the way tests declare columns. */
export function column(name: string, declared: string): Column {
  const type = declared.replace(/\s+not\s+null\s*$/i, '');
  return { name: name.toLowerCase(), type: parseType(type), declared: type, nullable: type === declared };
}
