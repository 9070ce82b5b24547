import { type TObject, Type } from 'typebox';
import type { FormatDefinition } from './format.ts';
import { connectorSchema } from './settings.ts';
import type { SinkDefinition } from './sink.ts';
import type { TransformDefinition } from './transform.ts';

export interface Catalogue {
  readonly sinks: readonly SinkDefinition[];
  readonly formats: readonly FormatDefinition[];
  readonly transforms: readonly TransformDefinition[];
}

/** The JSON Schema (draft 7) of a `connector:` block with every option of the given sinks, formats and transforms: what editors complete and check. */
export function connectorJsonSchema({ sinks, formats, transforms }: Catalogue): unknown {
  const { properties } = connectorSchema;
  const format = () => Type.Union([...formats.map(({ name }) => Type.Literal(name)), ...formats.map(tagged)]);
  const schema = Type.Object(
    {
      ...properties,
      key: described(format(), properties.key),
      value: described(format(), properties.value),
      transforms: described(Type.Array(Type.Union(transforms.map(tagged))), properties.transforms),
      sink: described(Type.Union(sinks.map(tagged)), properties.sink),
    },
    { additionalProperties: false },
  );
  return { $schema: 'http://json-schema.org/draft-07/schema#', title: 'Sluice connector', ...defaultsAreOptional(schema) };
}

/** The options of one part, told from the others by its `type`. */
function tagged({ name, summary, config }: { readonly name: string; readonly summary: string; readonly config: TObject }): TObject {
  return Type.Object({ type: Type.Literal(name), ...config.properties }, { description: summary, additionalProperties: false });
}

function described<Schema extends object>(schema: Schema, like: object): Schema {
  const { description, default: byDefault } = like as { readonly description?: string; readonly default?: unknown };
  return { ...schema, ...(description === undefined ? {} : { description }), ...(byDefault === undefined ? {} : { default: byDefault }) };
}

/** A type says that an option with a default is always there; whoever writes the configuration may leave it out. */
export function defaultsAreOptional(schema: object): object {
  const copy = JSON.parse(JSON.stringify(schema), (_, node: unknown) => {
    if (typeof node !== 'object' || node === null || !('required' in node) || !('properties' in node)) return node;
    const { required, ...rest } = node as { readonly required: readonly string[]; readonly properties: Readonly<Record<string, object>> };
    if (!Array.isArray(required)) return node;
    const needed = required.filter((name: string) => !('default' in (rest.properties[name] ?? {})));
    return needed.length === 0 ? rest : { ...rest, required: needed };
  });
  return copy;
}
