import type { Problem } from '../../core/config.ts';
import { deployedMark, standIn } from '../../core/deployed.ts';
import { isObject } from '../../core/field.ts';
import { hash } from '../../core/letter.ts';
import type { Value } from './template/resources.ts';

/** Values that only deployment knows, taken out of a configuration. */
export interface DeployedValues {
  /** The configuration with a text that fits in place of each. */
  readonly value: unknown;
  /** What the function's environment has to carry: intrinsic functions by variable. */
  readonly environment: Readonly<Record<string, unknown>>;
  /** Which option each variable belongs to. */
  readonly places: readonly DeployedPlace[];
  /** The intrinsic functions by the texts in their places. */
  readonly standIns: ReadonlyMap<string, Value>;
  readonly problems: readonly Problem[];
}

export interface DeployedPlace {
  /** Steps from the root of the configuration. */
  readonly path: readonly string[];
  readonly variable: string;
}

/**
 * Takes intrinsic functions (`Ref`, `Fn::GetAtt` …) out of a configuration. Options whose schema is not marked as known at deployment
 * cannot have one: what is checked or compiled before a deployment has to be known before it.
 */
export function takeDeployedValues(value: unknown, schema: object, path: string): DeployedValues {
  const environment: Record<string, unknown> = {};
  const places: DeployedPlace[] = [];
  const standIns = new Map<string, Value>();
  const problems: Problem[] = [];
  const walk = (node: unknown, schemas: readonly SchemaNode[], steps: readonly string[]): unknown => {
    if (isIntrinsic(node)) {
      const at = [path, ...steps].join('.');
      const sample = schemas.map((each) => each[deployedMark]).find((mark) => mark !== undefined);
      if (sample === undefined)
        problems.push({
          path: at,
          message: `${at} has to be known before deployment, so it takes no intrinsic function. Write the value, or a variable such as \${param:name}.`,
        });
      const variable = `SLUICE_${[path, ...steps]
        .join('_')
        .replaceAll(/[^A-Za-z0-9]+/g, '_')
        .toUpperCase()}`;
      environment[variable] = node;
      places.push({ path: steps, variable });
      // Short and in small letters, so that it passes for the name of a bucket or a host.
      const text = (sample ?? standIn).replace(standIn, `${standIn}-${hash(at)}`);
      standIns.set(text, node as Value);
      return text;
    }
    if (Array.isArray(node)) return node.map((item, index) => walk(item, schemas.flatMap(itemsOf), [...steps, String(index)]));
    if (!isObject(node)) return node;
    return Object.fromEntries(
      Object.entries(node).map(([name, item]) => [
        name,
        walk(
          item,
          schemas.flatMap((each) => propertyOf(each, name)),
          [...steps, name],
        ),
      ]),
    );
  };
  return { value: walk(value, forms(schema as SchemaNode), []), environment, places, standIns, problems };
}

/** Puts the values back that the environment carries: texts within a function, intrinsic functions within a template. */
export function withDeployedValues<Config>(
  value: Config,
  places: readonly DeployedPlace[],
  env: Readonly<Record<string, unknown>>,
): Config {
  if (places.length === 0) return value;
  const copy = structuredClone(value);
  for (const { path, variable } of places) {
    let node: unknown = copy;
    for (const step of path.slice(0, -1)) node = (node as Readonly<Record<string, unknown>> | undefined)?.[step];
    const last = path.at(-1);
    if (typeof node === 'object' && node !== null && last !== undefined) Reflect.set(node, last, env[variable]);
  }
  return copy;
}

/** A text of a template in which intrinsic functions stand again where their stand-ins were. */
export function withIntrinsics(text: string, standIns: ReadonlyMap<string, Value>): Value {
  let parts: Value[] = [text];
  for (const [found, intrinsic] of standIns)
    parts = parts.flatMap((part) =>
      typeof part === 'string' ? part.split(found).flatMap((piece, index) => (index === 0 ? [piece] : [intrinsic, piece])) : [part],
    );
  const kept = parts.filter((part) => part !== '');
  return kept.length === 1 && kept[0] !== undefined ? kept[0] : { 'Fn::Join': ['', kept] };
}

/** Whether it is a function of CloudFormation, such as `{ Ref: … }`. */
export function isIntrinsic(node: unknown): node is Exclude<Value, string> {
  if (!isObject(node)) return false;
  const names = Object.keys(node);
  return names.length === 1 && (names[0] === 'Ref' || names[0]?.startsWith('Fn::') === true);
}

interface SchemaNode {
  readonly anyOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly [deployedMark]?: string;
}

function forms(schema: SchemaNode): SchemaNode[] {
  return [schema, ...(schema.anyOf ?? []).flatMap(forms)];
}

function itemsOf({ items }: SchemaNode): SchemaNode[] {
  return items === undefined ? [] : forms(items);
}

function propertyOf({ properties }: SchemaNode, name: string): SchemaNode[] {
  const property = properties?.[name];
  return property === undefined ? [] : forms(property);
}
