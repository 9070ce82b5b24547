import { Type } from 'typebox';
import { DataError } from '../core/errors.ts';
import { isObject } from '../core/field.ts';
import { originName } from '../core/record.ts';
import { defineTransform } from '../core/transform.ts';
import { type ObjectValue, objectValue, setOwn, withoutSchema } from './object-value.ts';

/** Objects within objects become fields with dotted names. Empty objects stay, as there is nothing in them to name. */
export const flatten = defineTransform({
  name: 'flatten',
  summary:
    'Turns nested objects into fields with dotted names: {"geo": {"lat": 1}} becomes {"geo.lat": 1}. Empty objects stay as they are.',
  config: Type.Object({
    delimiter: Type.String({ default: '.', description: 'What joins the names, e.g. "_" for column names.' }),
    arrays: Type.Union([Type.Literal('keep'), Type.Literal('index')], {
      default: 'keep',
      description: '`keep` leaves lists as they are; `index` gives each entry a field of its own, counted from 0: "tags.0".',
    }),
    maxDepth: Type.Optional(
      Type.Integer({ minimum: 1, description: 'How many levels to take apart; what lies deeper stays nested. All of them when not set.' }),
    ),
  }),
  create({ delimiter, arrays, maxDepth = Number.POSITIVE_INFINITY }) {
    const isNested = (field: unknown): field is ObjectValue | readonly unknown[] =>
      Array.isArray(field) ? arrays === 'index' && field.length > 0 : isObject(field) && Object.keys(field).length > 0;

    return (record) => {
      if (record.value === null) return record;
      const value = objectValue(record, 'flatten');
      if (!Object.values(value).some(isNested)) return record;
      const flat: Record<string, unknown> = {};
      const add = (nested: ObjectValue | readonly unknown[], prefix: string, levels: number): void => {
        for (const [name, field] of Object.entries(nested)) {
          if (levels > 0 && isNested(field)) {
            add(field, `${prefix}${name}${delimiter}`, levels - 1);
            continue;
          }
          const flatName = prefix + name;
          if (Object.hasOwn(flat, flatName))
            throw new DataError(
              'FIELD_EXISTS',
              `Expected flatten to give each field a name of its own, two got the same (${originName(record.origin)})`,
            );
          setOwn(flat, flatName, field);
        }
      };
      add(value, '', maxDepth);
      return withoutSchema(record, flat);
    };
  },
});
