import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ConnectorDefinition } from '../../compose.ts';
import { isObject } from '../../core/field.ts';
import type { SecretReference } from '../../core/secret.ts';
import type { Bundle } from './bundle.ts';
import { isIntrinsic } from './deployed-values.ts';

const definitionKey = Symbol.for('sluice.definition');

/** Loads a bundled function as Lambda would and answers what `connect` was given; undefined for a handler of another kind. */
export async function definitionIn({ files, entry }: Bundle, exportName: string, root: string): Promise<ConnectorDefinition | undefined> {
  await mkdir(join(root, '.sluice'), { recursive: true });
  const folder = await mkdtemp(join(root, '.sluice', 'bundle-'));
  try {
    for (const { path, contents } of files) {
      if (path.endsWith('.map')) continue;
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), withoutMap(contents));
    }
    const module: Readonly<Record<string, unknown>> = await import(pathToFileURL(join(folder, entry)).href);
    const handler = module[exportName];
    return typeof handler === 'function' && definitionKey in handler ? (handler[definitionKey] as ConnectorDefinition) : undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whoever loads a module that names a source map looks for it. */
function withoutMap(contents: Uint8Array): string {
  return Buffer.from(contents)
    .toString()
    .replace(/^\/\/# sourceMappingURL=.*$/m, '');
}

/** Every reference to a secret in a configuration. */
export function secretReferences(value: unknown): SecretReference[] {
  return secretPlaces(value, '').map(({ reference }) => reference);
}

/** The same, each with the path of its option. */
export function secretPlaces(value: unknown, path: string): { readonly path: string; readonly reference: SecretReference }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => secretPlaces(item, `${path}[${index}]`));
  if (!isObject(value)) return [];
  if (isReference(value)) return [{ path, reference: value }];
  return Object.entries(value).flatMap(([name, item]) => secretPlaces(item, `${path}.${name}`));
}

function isReference(value: Readonly<Record<string, unknown>>): value is SecretReference {
  const isName = (name: unknown): boolean => typeof name === 'string' || isIntrinsic(name);
  const names = Object.keys(value);
  if (names.length === 1 && (names[0] === 'ssm' || names[0] === 'env')) return isName(value[names[0]]);
  return isName(value['secretsManager']) && names.every((name) => name === 'secretsManager' || name === 'field');
}
