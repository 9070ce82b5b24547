import { type Static, Type } from 'typebox';
import { ConfigError } from '../core/errors.ts';
import { fieldReader } from '../core/field.ts';
import { defineTransform } from '../core/transform.ts';
import { objectValue } from './object-value.ts';

const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);
const Bound = Type.Union([Type.String(), Type.Number()]);

const Condition = Type.Object({
  field: Type.String({ minLength: 1, description: 'The field to look at; a dotted name may be a path.' }),
  equals: Type.Optional(Scalar),
  in: Type.Optional(Type.Array(Scalar, { minItems: 1, description: 'Any of these.' })),
  exists: Type.Optional(Type.Boolean({ description: 'Whether the field is there and not null.' })),
  matches: Type.Optional(Type.String({ description: 'A regular expression that the text contains; ^ and $ bind it to the whole.' })),
  greaterThan: Type.Optional(Bound),
  atLeast: Type.Optional(Bound),
  lessThan: Type.Optional(Bound),
  atMost: Type.Optional(Bound),
});
type Condition = Static<typeof Condition>;
type Test = (field: unknown) => boolean;

/** Keeps or drops records by their fields. Tombstones are kept: a delete concerns a record whose fields are not known any more. */
export const filter = defineTransform({
  name: 'filter',
  summary: 'Keeps or drops records by conditions on their fields. Dropped records count as done; tombstones always pass.',
  config: Type.Object({
    where: Type.Array(Condition, {
      minItems: 1,
      description:
        'Conditions, e.g. [{ field: mag, atLeast: 5 }, { field: status, in: [reviewed, automatic] }]. A field that is missing or null meets exists: false and equals: null, and no other. Numbers are compared with numbers, text with text; anything else does not hold.',
    }),
    match: Type.Union([Type.Literal('all'), Type.Literal('any')], { default: 'all', description: 'How many of the conditions must hold.' }),
    keep: Type.Boolean({
      default: true,
      description: 'true keeps the records that match and drops the others; false drops those that match.',
    }),
  }),
  create({ where, match, keep }) {
    const conditions = where.map(toPredicate);
    return (record) => {
      if (record.value === null) return record;
      const value = objectValue(record, 'filter');
      const matches = match === 'all' ? conditions.every((holds) => holds(value)) : conditions.some((holds) => holds(value));
      return matches === keep ? record : null;
    };
  },
});

function toPredicate(condition: Condition, index: number): (value: unknown) => boolean {
  const read = fieldReader(condition.field);
  const tests = toTests(condition, index);
  if (tests.length === 0)
    throw invalid(
      `Expected where[${index}] of filter to have equals, in, exists, matches, greaterThan, atLeast, lessThan or atMost, got none.`,
    );
  return (value) => {
    const field = read(value) ?? null;
    return tests.every((holds) => holds(field));
  };
}

function toTests({ equals, in: any, exists, matches, greaterThan, atLeast, lessThan, atMost }: Condition, index: number): readonly Test[] {
  const tests: Test[] = [];
  if (equals !== undefined) tests.push((field) => isSame(field, equals));
  if (any !== undefined) tests.push((field) => any.some((one) => isSame(field, one)));
  if (exists !== undefined) tests.push((field) => (field !== null) === exists);
  if (matches !== undefined) tests.push(matching(matches, index));
  if (greaterThan !== undefined) tests.push((field) => compare(field, greaterThan) > 0);
  if (atLeast !== undefined) tests.push((field) => compare(field, atLeast) >= 0);
  if (lessThan !== undefined) tests.push((field) => compare(field, lessThan) < 0);
  if (atMost !== undefined) tests.push((field) => compare(field, atMost) <= 0);
  return tests;
}

function matching(source: string, index: number): Test {
  let pattern: RegExp;
  try {
    pattern = new RegExp(source, 'u');
  } catch (cause) {
    throw invalid(`Expected where[${index}].matches of filter to be a regular expression, got something else.`, cause);
  }
  return (field) => typeof field === 'string' && pattern.test(field);
}

function isSame(field: unknown, wanted: string | number | boolean | null): boolean {
  return field === wanted || compare(field, wanted) === 0;
}

/** Not a number when the two cannot be compared, so that no condition holds. */
function compare(field: unknown, bound: unknown): number {
  const areNumbers = (typeof field === 'number' || typeof field === 'bigint') && typeof bound === 'number';
  const areTexts = typeof field === 'string' && typeof bound === 'string';
  if ((!areNumbers && !areTexts) || Number.isNaN(field)) return Number.NaN;
  return field < bound ? -1 : field > bound ? 1 : 0;
}

function invalid(message: string, cause?: unknown): ConfigError {
  return new ConfigError('CONFIG_INVALID', message, { cause });
}
