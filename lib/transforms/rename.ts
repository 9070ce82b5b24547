import { Type } from 'typebox';
import { isObject } from '../core/field.ts';
import type { KafkaRecord } from '../core/record.ts';
import { defineTransform } from '../core/transform.ts';
import { fieldExists, type ObjectValue, objectValue, schemaMemo, setOwn, withoutSchema } from './object-value.ts';

interface Move {
  readonly from: readonly string[];
  readonly to: string;
}

/** Gives fields other names, all at once, so that two may swap. Fields that a record does not have are left out. */
export const rename = defineTransform({
  name: 'rename',
  summary: 'Gives fields other names. A field that a record does not have is no error.',
  config: Type.Object({
    fields: Type.Record(Type.String(), Type.String({ minLength: 1 }), {
      description:
        'The old name and the new one, e.g. { properties.mag: mag }. A dotted old name is first looked for as it is written, as flatten leaves it, and then as a path; a field found by its path may get a dotted new name, which is then a path too.',
    }),
  }),
  create({ fields }) {
    const names = new Map(Object.entries(fields));
    const moves: readonly Move[] = [...names].filter(([from]) => from.includes('.')).map(([from, to]) => ({ from: from.split('.'), to }));
    const renamedSchema = schemaMemo((schema) => ({
      ...schema,
      fields: schema.fields.map((field) => ({ ...field, name: names.get(field.name) ?? field.name })),
    }));

    return (record) => {
      if (record.value === null) return record;
      const value = objectValue(record, 'rename');
      const taken: { readonly move: Move; readonly field: unknown }[] = [];
      let rest = value;
      for (const move of moves) {
        if (Object.hasOwn(value, move.from.join('.'))) continue;
        const found = take(rest, move.from);
        if (found === undefined) continue;
        taken.push({ move, field: found.field });
        rest = found.rest;
      }
      if (taken.length === 0 && !Object.keys(value).some((name) => names.has(name))) return record;
      const renamed: Record<string, unknown> = {};
      for (const [name, field] of Object.entries(rest)) {
        const to = names.get(name) ?? name;
        if (Object.hasOwn(renamed, to)) throw fieldExists(to, 'rename', record);
        setOwn(renamed, to, field);
      }
      if (taken.length > 0)
        return withoutSchema(
          record,
          taken.reduce<ObjectValue>((into, { move, field }) => put(into, move.to.split('.'), field, move.to, record), renamed),
        );
      return { ...record, value: renamed, ...(record.schema === undefined ? {} : { schema: renamedSchema(record.schema) }) };
    };
  },
});

/** The field at a path, and the value without it; only the objects along the path are copied. */
function take(
  value: ObjectValue,
  [step = '', ...deeper]: readonly string[],
): { readonly field: unknown; readonly rest: ObjectValue } | undefined {
  if (!Object.hasOwn(value, step)) return undefined;
  const inner = value[step];
  if (deeper.length === 0) return { field: inner, rest: Object.fromEntries(Object.entries(value).filter(([name]) => name !== step)) };
  const found = isObject(inner) ? take(inner, deeper) : undefined;
  return found === undefined ? undefined : { field: found.field, rest: replaced(value, step, found.rest) };
}

function put(value: ObjectValue, [step = '', ...deeper]: readonly string[], field: unknown, to: string, record: KafkaRecord): ObjectValue {
  const inner = Object.hasOwn(value, step) ? value[step] : undefined;
  if (inner !== undefined && (deeper.length === 0 || !isObject(inner))) throw fieldExists(to, 'rename', record);
  return replaced(value, step, deeper.length === 0 ? field : put(isObject(inner) ? inner : {}, deeper, field, to, record));
}

function replaced(value: ObjectValue, name: string, field: unknown): ObjectValue {
  const copy = { ...value };
  setOwn(copy, name, field);
  return copy;
}
