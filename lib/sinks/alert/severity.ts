import { type Static, Type } from 'typebox';
import { fieldReader } from '../../core/field.ts';
import type { KafkaRecord } from '../../core/record.ts';

/** From worst to harmless. */
export const severities = ['critical', 'error', 'warning', 'info'] as const;
export type Severity = (typeof severities)[number];

export const severitySchema = Type.Union([Type.Literal('critical'), Type.Literal('error'), Type.Literal('warning'), Type.Literal('info')]);

const field = Type.String({ minLength: 1, description: 'Field of the value, dotted, that says how bad it is.' });
const otherwise = Type.Union(severitySchema.anyOf, { default: 'warning', description: 'For records whose field says nothing known.' });

export const severityOption = Type.Union(
  [
    ...severitySchema.anyOf,
    Type.Object({
      field,
      map: Type.Record(Type.String(), severitySchema, {
        default: {},
        description: 'What texts or numbers of the field mean, e.g. { fatal: critical }. The four names mean themselves.',
      }),
      otherwise,
    }),
    Type.Object({
      field,
      atLeast: Type.Object(
        {
          critical: Type.Optional(Type.Number({ description: 'The smallest number that is critical.' })),
          error: Type.Optional(Type.Number({ description: 'The smallest number that is an error.' })),
          warning: Type.Optional(Type.Number({ description: 'The smallest number that is a warning.' })),
          info: Type.Optional(Type.Number({ description: 'The smallest number that is worth telling.' })),
        },
        { description: 'The smallest number of the field for each severity, e.g. { critical: 7, error: 6 }.' },
      ),
      otherwise,
    }),
  ],
  {
    default: 'error',
    description:
      'How bad the records are: critical, error, warning or info; or the field of the value that says it, by its text (field, map) or as a number (field, atLeast).',
  },
);
type SeverityOption = Static<typeof severityOption>;

/** How bad a record is. */
export type ReadSeverity = (record: KafkaRecord) => Severity;

export function severityReader(option: SeverityOption): ReadSeverity {
  if (typeof option === 'string') return () => option;
  const read = fieldReader(option.field);
  if ('atLeast' in option) return ({ value }) => byNumber(read(value), option.atLeast) ?? option.otherwise;
  const known = new Map<string, Severity>(severities.map((severity) => [severity, severity]));
  for (const [text, severity] of Object.entries(option.map)) known.set(text.toLowerCase(), severity);
  return ({ value }) => known.get(wordOf(read(value)) ?? '') ?? option.otherwise;
}

function byNumber(found: unknown, atLeast: Readonly<Partial<Record<Severity, number>>>): Severity | undefined {
  const number = typeof found === 'string' && found.trim() !== '' ? Number(found) : found;
  if (typeof number !== 'number' && typeof number !== 'bigint') return undefined;
  return severities.find((severity) => {
    const least = atLeast[severity];
    return least !== undefined && number >= least;
  });
}

/** The worse of two. */
export function worst(a: Severity, b: Severity): Severity {
  return severities.indexOf(b) < severities.indexOf(a) ? b : a;
}

/** Which records say that something is over. */
export const resolveOption = Type.Object(
  {
    field: Type.Optional(Type.String({ minLength: 1, description: 'Field of the value, dotted, that says that something is over.' })),
    values: Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      default: ['resolved', 'ok'],
      description: 'What the field says then. The case of letters makes no difference.',
    }),
    tombstones: Type.Boolean({ default: false, description: 'Whether a tombstone says so too. The group must then be made of the key.' }),
  },
  {
    description:
      'Which records resolve the alert of their group. PagerDuty and Alertmanager close it; the other channels get a message that says so.',
  },
);

/** Whether a record says that something is over; undefined for a tombstone that says nothing. */
export function resolveReader(option: Static<typeof resolveOption> | undefined): (record: KafkaRecord) => boolean | undefined {
  const read = option?.field === undefined ? undefined : fieldReader(option.field);
  const values = new Set(option?.values.map((value) => String(value).toLowerCase()));
  return ({ value }) => {
    if (value === null) return option?.tombstones === true ? true : undefined;
    const found = wordOf(read?.(value));
    return found !== undefined && values.has(found);
  };
}

/** A field as a word to compare; undefined for what is no text, number or flag, which may not even become text. */
function wordOf(found: unknown): string | undefined {
  const isPlain = typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' || typeof found === 'bigint';
  return isPlain ? String(found).toLowerCase() : undefined;
}
