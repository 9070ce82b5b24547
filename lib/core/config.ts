import type { Static, TSchema } from 'typebox';
import { ConfigError } from './errors.ts';
import { closest } from './suggest.ts';

/** The part of JSON Schema that option declarations use. */
interface Schema {
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly 'x-secret'?: boolean;
}

export interface Problem {
  /** Dotted path of the option, e.g. `connector.sink.index`. */
  readonly path: string;
  readonly message: string;
}

/** Checks a configuration against its schema and fills in defaults; lists every problem with its path, what was expected and what to set. */
export function readConfig<S extends TSchema>(
  schema: S,
  value: unknown,
  path: string,
): { readonly value: Static<S>; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const read = readValue(schema as Schema, value, path, problems);
  return { value: read as Static<S>, problems };
}

/** The checked configuration with its defaults. Throws a ConfigError `CONFIG_INVALID` with every problem, one a line. */
export function parseConfig<S extends TSchema>(schema: S, value: unknown, path: string): Static<S> {
  const { value: parsed, problems } = readConfig(schema, value, path);
  throwProblems(problems);
  return parsed;
}

/** Throws a ConfigError `CONFIG_INVALID` with every problem, one a line; returns when there is none. */
export function throwProblems(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ConfigError('CONFIG_INVALID', problems.map(({ message }) => message).join('\n'));
}

function readValue(schema: Schema, value: unknown, path: string, problems: Problem[]): unknown {
  if (value === undefined && schema.default !== undefined) return structuredClone(schema.default);
  if (schema['x-secret'] === true) return readSecret(schema, value, path, problems);
  if (schema.anyOf !== undefined) return readUnion(schema, schema.anyOf, value, path, problems);
  if (schema.const !== undefined) return value === schema.const ? value : refuse(schema, value, path, problems);
  switch (schema.type) {
    case 'object':
      return isObject(value) ? readObject(schema, value, path, problems) : refuse(schema, value, path, problems);
    case 'array': {
      if (!Array.isArray(value)) return refuse(schema, value, path, problems);
      if (schema.minItems !== undefined && value.length < schema.minItems) return refuse(schema, value, path, problems);
      return value.map((item, index) => (schema.items === undefined ? item : readValue(schema.items, item, `${path}[${index}]`, problems)));
    }
    case 'string':
      return isText(schema, value) ? value : refuse(schema, value, path, problems);
    case 'integer':
    case 'number': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value; // ${env:…} always gives text
      return isNumber(schema, number) ? number : refuse(schema, value, path, problems);
    }
    case 'boolean': {
      const flag = value === 'true' ? true : value === 'false' ? false : value;
      return typeof flag === 'boolean' ? flag : refuse(schema, value, path, problems);
    }
    case 'null':
      return value === null ? value : refuse(schema, value, path, problems);
    default:
      return value;
  }
}

function readObject(schema: Schema, value: Readonly<Record<string, unknown>>, path: string, problems: Problem[]): Record<string, unknown> {
  const properties = schema.properties ?? {};
  const entries: [string, unknown][] = [];
  for (const [name, property] of Object.entries(properties)) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    const optional = !(schema.required ?? []).includes(name);
    if (given === undefined && optional && property.default === undefined) continue;
    entries.push([name, readValue(property, given, `${path}.${name}`, problems)]);
  }
  const patterns = Object.entries(schema.patternProperties ?? {});
  for (const [name, given] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) continue;
    const pattern = patterns.find(([expression]) => new RegExp(expression).test(name))?.[1];
    if (pattern !== undefined) entries.push([name, readValue(pattern, given, `${path}.${name}`, problems)]);
    else if (typeof schema.additionalProperties === 'object')
      entries.push([name, readValue(schema.additionalProperties, given, `${path}.${name}`, problems)]);
    else if (schema.additionalProperties === true || (schema.properties === undefined && patterns.length === 0))
      entries.push([name, given]);
    else problems.push({ path: `${path}.${name}`, message: unknownOption(path, name, Object.keys(properties)) });
  }
  return Object.fromEntries(entries);
}

function readUnion(schema: Schema, members: readonly Schema[], value: unknown, path: string, problems: Problem[]): unknown {
  let nearest: Problem[] | undefined;
  for (const member of members) {
    const found: Problem[] = [];
    const read = readValue(member, value, path, found);
    if (found.length === 0) return read;
    const sameKind = isObject(value) && member.type === 'object' && !mismatchesTag(member, value);
    if (sameKind && (nearest === undefined || found.length < nearest.length)) nearest = found;
  }
  if (nearest === undefined) return refuse(schema, value, path, problems);
  problems.push(...nearest);
  return value;
}

/** A member of a tagged union whose constant `type` is not the one that was given explains nothing. */
function mismatchesTag(member: Schema, value: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(member.properties ?? {}).some(([name, { const: tag }]) => tag !== undefined && value[name] !== tag);
}

function readSecret(schema: Schema, value: unknown, path: string, problems: Problem[]): unknown {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    const message = `Expected ${path} to be a reference to a secret, got a literal${String(value).startsWith('${') ? ' variable' : ''}. Set it to { ssm: name }, { secretsManager: arn, field } or { env: NAME }: it is then read when the function starts and never written into a template or bundle.`;
    problems.push({ path, message });
    return value;
  }
  return readUnion(schema, schema.anyOf ?? [], value, path, problems);
}

function refuse(schema: Schema, value: unknown, path: string, problems: Problem[]): unknown {
  const hint = schema.description === undefined ? '' : ` ${value === undefined ? 'Set it' : 'It is'}: ${lowerFirst(schema.description)}`;
  const literals = (schema.anyOf ?? []).map(({ const: literal }) => literal).filter((literal) => typeof literal === 'string');
  const near = typeof value === 'string' ? closest(value, literals) : undefined;
  const suggestion = near === undefined ? hint : ` Did you mean ${JSON.stringify(near)}?`;
  problems.push({ path, message: `Expected ${path} to be ${expected(schema)}, got ${found(value)}.${suggestion}` });
  return value;
}

/** `Unknown option "x" in y. Did you mean "z"?` */
function unknownOption(path: string, name: string, known: readonly string[]): string {
  const near = closest(name, known);
  const advice =
    near !== undefined
      ? `Did you mean ${JSON.stringify(near)}?`
      : known.length > 0
        ? `Known options: ${known.join(', ')}.`
        : 'It takes none.';
  return `Unknown option "${name}" in ${path}. ${advice}`;
}

function expected(schema: Schema): string {
  if (schema['x-secret'] === true) return 'a reference to a secret ({ ssm: name }, { secretsManager: arn, field } or { env: NAME })';
  if (schema.anyOf !== undefined) return schema.anyOf.map(expected).join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  switch (schema.type) {
    case 'object': {
      const names = schema.required ?? [];
      return names.length > 0 && schema.properties !== undefined ? `an object with ${names.join(', ')}` : 'an object';
    }
    case 'array':
      return schema.minItems !== undefined && schema.minItems > 0 ? `a list of at least ${schema.minItems}` : 'a list';
    case 'string':
      return schema.format === 'uri' ? 'a URL' : schema.pattern !== undefined ? `text that matches ${schema.pattern}` : 'a string';
    case 'integer':
    case 'number': {
      const kind = schema.type === 'integer' ? 'a whole number' : 'a number';
      if (schema.minimum !== undefined && schema.maximum !== undefined) return `${kind} from ${schema.minimum} to ${schema.maximum}`;
      if (schema.minimum !== undefined) return `${kind} of at least ${schema.minimum}`;
      return schema.maximum !== undefined ? `${kind} of at most ${schema.maximum}` : kind;
    }
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    default:
      return 'something else';
  }
}

/** What was found, without repeating it: a misplaced secret must not end up in a message. */
function found(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? (value === '' ? 'empty text' : 'text') : `an ${typeof value}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(schema: Schema, value: unknown): boolean {
  if (typeof value !== 'string') return false;
  if (value.length < (schema.minLength ?? 0) || value.length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) return false;
  if (schema.format === 'uri' && !URL.canParse(value)) return false;
  return schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value);
}

function isNumber(schema: Schema, value: unknown): value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return false;
  if (schema.type === 'integer' && !Number.isInteger(value)) return false;
  return value >= (schema.minimum ?? Number.NEGATIVE_INFINITY) && value <= (schema.maximum ?? Number.POSITIVE_INFINITY);
}

function lowerFirst(sentence: string): string {
  return /^[A-Z][a-z ]/.test(sentence) ? sentence.charAt(0).toLowerCase() + sentence.slice(1) : sentence;
}
