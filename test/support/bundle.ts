import { readdirSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';
import { bundleFunction as bundleForDeployment } from '../../lib/platforms/lambda/bundle.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface BundledFile {
  /** Relative to the entry's folder. */
  readonly name: string;
  readonly contents: Uint8Array;
}

export interface BundlePart {
  readonly files: readonly BundledFile[];
  /** What they were made of, relative to the repository. */
  readonly sources: readonly string[];
}

/** A function as it is deployed: files for one folder. */
export interface Bundle {
  /** What is read when the function starts, its entry first. */
  readonly eager: BundlePart;
  /** What is read when it is first needed, such as the clients of secret stores and the producer of dead letters. */
  readonly lazy: BundlePart;
}

/** The function files of this repository, relative to it. */
export function functionFiles(): readonly string[] {
  return readdirSync(join(root, 'functions'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `functions/${name}`);
}

/** Bundles a function file in memory, as it is deployed. */
export async function bundleFunction(file: string): Promise<Bundle> {
  const { files, entry, metafile } = await bundleForDeployment({ root, handlerFile: join(root, file), sourcemap: false });
  const { outputs } = metafile;
  const entryOutput = Object.keys(outputs).find((path) => outputs[path]?.entryPoint !== undefined && basename(path) === 'entry.mjs');
  if (entryOutput === undefined) throw new Error(`Expected a bundle of ${file}, found ${Object.keys(outputs).join(', ')}.`);
  const eager = importedBy(entryOutput, outputs);
  const nameOf = (output: string): string => (output === entryOutput ? basename(entry) : relative(dirname(entryOutput), output));
  const contents = new Map(files.map((each) => [relative(dirname(entry), each.path), each.contents]));
  const part = (paths: readonly string[]): BundlePart => ({
    files: paths.map((path) => ({ name: nameOf(path), contents: contents.get(nameOf(path)) ?? notThere(path) })),
    sources: [...new Set(paths.flatMap((path) => sourcesOf(outputs[path])))],
  });
  const lazy = part(Object.keys(outputs).filter((path) => !eager.has(path)));
  const { files: own, sources } = part([...eager]);
  const settings = files
    .filter(({ path }) => path.endsWith('.settings.mjs'))
    .map((each) => ({ name: basename(each.path), contents: each.contents }));
  return { eager: { files: [...own, ...settings], sources }, lazy };
}

function notThere(path: string): never {
  throw new Error(`Expected ${path} among the files of the bundle.`);
}

/** An output and everything that it imports as it starts. */
function importedBy(path: string, outputs: Metafile['outputs'], found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  for (const { kind, path: imported, external } of outputs[path]?.imports ?? [])
    if (kind === 'import-statement' && external !== true) importedBy(imported, outputs, found);
  return found;
}

/** Sources of which something is left after shaking the tree. */
function sourcesOf(output: Metafile['outputs'][string] | undefined): string[] {
  return Object.entries(output?.inputs ?? {}).flatMap(([source, { bytesInOutput }]) => (bytesInOutput > 0 ? [source] : []));
}
