import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ConnectorDefinition } from '../../compose.ts';
import type { Bundle } from './bundle.ts';

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
