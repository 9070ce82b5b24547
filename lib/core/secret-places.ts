import { isObject } from './field.ts';
import type { SecretReference } from './secret.ts';

/** The part of JSON Schema that tells where secrets may be. */
interface SchemaNode {
  readonly 'x-secret'?: boolean;
  readonly anyOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
}

export interface SecretPlace {
  /** Dotted path of the option. */
  readonly path: string;
  readonly reference: SecretReference;
}

/**
 * Every reference to a secret in a configuration of this schema. What the schema leaves open, such as the function's own settings, is taken
 * for one where it looks like a store of AWS; `{ env: … }` could be anything there.
 */
export function secretPlaces(value: unknown, schema: object, path: string, isOption: (node: unknown) => boolean = isText): SecretPlace[] {
  const walk = (node: unknown, schemas: readonly SchemaNode[], at: string): SecretPlace[] => {
    if (Array.isArray(node)) return node.flatMap((item, index) => walk(item, schemas.flatMap(itemsOf), `${at}[${index}]`));
    if (!isObject(node)) return [];
    const isMarked = schemas.some((each) => each['x-secret'] === true);
    if ((isMarked || schemas.length === 0) && isReference(node, isOption) && (isMarked || !('env' in node)))
      return [{ path: at, reference: node }];
    return Object.entries(node).flatMap(([name, item]) =>
      walk(
        item,
        schemas.flatMap((each) => propertyOf(each, name)),
        `${at}.${name}`,
      ),
    );
  };
  return walk(value, forms(schema), path);
}

function forms(schema: SchemaNode): SchemaNode[] {
  return [schema, ...(schema.anyOf ?? []).flatMap(forms)];
}

function itemsOf({ items }: SchemaNode): SchemaNode[] {
  return items === undefined ? [] : forms(items);
}

function propertyOf({ properties, patternProperties = {}, additionalProperties }: SchemaNode, name: string): SchemaNode[] {
  const property = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (property !== undefined) return forms(property).filter(isClosed);
  const pattern = Object.entries(patternProperties).find(([expression]) => new RegExp(expression).test(name))?.[1];
  if (pattern !== undefined) return forms(pattern).filter(isClosed);
  return typeof additionalProperties === 'object' ? forms(additionalProperties).filter(isClosed) : [];
}

/** A schema that says nothing of what is inside is none. */
function isClosed(schema: SchemaNode): boolean {
  return Object.keys(schema).some((word) => word !== 'description' && word !== 'default');
}

function isReference(node: object, isOption: (node: unknown) => boolean): node is SecretReference {
  const names = Object.keys(node);
  if (names.length === 1 && (names[0] === 'ssm' || names[0] === 'env')) return isOption(Reflect.get(node, names[0]));
  return (
    names.includes('secretsManager') &&
    isOption(Reflect.get(node, 'secretsManager')) &&
    names.every((name) => name === 'secretsManager' || name === 'field')
  );
}

function isText(node: unknown): boolean {
  return typeof node === 'string';
}
