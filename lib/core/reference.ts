import { parseConfig } from './config.ts';
import type { ErrorRule, Guarantees, SinkDefinition } from './sink.ts';

/** One option in words. */
export interface OptionReference {
  /** As it is nested in the configuration, e.g. `tls.ca`. */
  readonly path: string;
  /** In which form of its parent it is there, e.g. `type: basic`. */
  readonly when?: string;
  readonly type: string;
  readonly required: boolean;
  readonly byDefault?: string;
  readonly description: string;
}

/** Everything a person has to know to use a sink, as its definition says it. */
export interface SinkReference {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionReference[];
  readonly modes: readonly { readonly name: string; readonly config: Readonly<Record<string, unknown>>; readonly guarantees: Guarantees }[];
  readonly errors: readonly ErrorRule[];
}

/** The part of JSON Schema that option declarations use. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly default?: unknown;
  readonly description?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly 'x-secret'?: boolean;
}

/** Puts a definition in words. Throws a ConfigError when the configuration of one of its modes is not valid. */
export function sinkReference({ name, summary, config, modes = [], errors = [], guarantees }: SinkDefinition): SinkReference {
  return {
    name,
    summary,
    options: optionsOf(config as Schema, '', undefined),
    modes: modes.map((mode) => ({
      ...mode,
      guarantees: guarantees(parseConfig(config, mode.config, `${name}, ${mode.name}`)),
    })),
    errors,
  };
}

function optionsOf({ properties = {}, required = [] }: Schema, parent: string, when: string | undefined): OptionReference[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    if (schema.const !== undefined) return []; // what tells one form from the others
    const path = parent === '' ? name : `${parent}.${name}`;
    const option: OptionReference = {
      path,
      ...(when === undefined ? {} : { when }),
      type: typeInWords(schema),
      required: required.includes(name) && schema.default === undefined,
      ...(schema.default === undefined ? {} : { byDefault: JSON.stringify(schema.default) }),
      description: schema.description ?? '',
    };
    const isPlain = option.description === '' && parent !== ''; // its name says it all, and its parent's type names it
    return [...(isPlain ? [] : [option]), ...nestedOptions(schema, path)];
  });
}

function nestedOptions(schema: Schema, path: string): OptionReference[] {
  if (schema['x-secret'] === true) return [];
  if (schema.items !== undefined) return nestedOptions(schema.items, `${path}[]`);
  if (schema.properties !== undefined) return optionsOf(schema, path, undefined);
  return (schema.anyOf ?? []).flatMap((form) =>
    form.items === undefined ? optionsOf(form, path, tagOf(form)) : nestedOptions(form, path),
  );
}

/** What tells one form of an option from the others, e.g. `type: basic`. */
function tagOf({ properties = {} }: Schema): string | undefined {
  const tag = Object.entries(properties).find(([, { const: value }]) => value !== undefined);
  return tag === undefined ? undefined : `${tag[0]}: ${String(tag[1].const)}`;
}

function typeInWords(schema: Schema): string {
  if (schema['x-secret'] === true) return 'secret reference';
  if (schema.const !== undefined) return String(schema.const);
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeInWords))].join(' | ');
  switch (schema.type) {
    case 'string':
      return schema.format === 'uri' ? 'URL' : 'text';
    case 'integer':
      return `whole number${range(schema)}`;
    case 'number':
      return `number${range(schema)}`;
    case 'boolean':
      return 'true | false';
    case 'array':
      return `list of ${schema.items === undefined ? 'values' : typeInWords(schema.items)}`;
    case 'object': {
      const tag = tagOf(schema);
      if (tag !== undefined) return `{ ${tag}, … }`;
      if (schema.properties === undefined) return 'map';
      return `{ ${Object.keys(schema.properties).join(', ')} }`;
    }
    default:
      return 'value';
  }
}

function range({ minimum, maximum }: Schema): string {
  if (minimum !== undefined && maximum !== undefined) return ` ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` from ${minimum}`;
  return maximum === undefined ? '' : ` up to ${maximum}`;
}
