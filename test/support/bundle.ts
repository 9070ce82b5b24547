import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

// pg and kafkajs are CommonJS, which expects these names.
const banner =
  "import{createRequire as __cr}from'node:module';import{fileURLToPath as __fu}from'node:url';import{dirname as __dn}from'node:path';" +
  'const require=__cr(import.meta.url);const __filename=__fu(import.meta.url);const __dirname=__dn(__filename);';

export interface BundledFile {
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

/** Bundles a function file in memory. */
export async function bundleFunction(file: string): Promise<Bundle> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [file],
    outdir: 'bundle',
    write: false,
    bundle: true,
    minify: true,
    splitting: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    mainFields: ['module', 'main'],
    conditions: ['sluice-source'],
    external: ['pg-native'],
    banner: { js: banner },
    outExtension: { '.js': '.mjs' },
    metafile: true,
    logLevel: 'silent',
  });
  const { outputs } = metafile;
  const entry = Object.keys(outputs).find((path) => outputs[path]?.entryPoint === file);
  if (entry === undefined) throw new Error(`Expected a bundle of ${file}, found ${Object.keys(outputs).join(', ')}.`);
  const eager = importedBy(entry, outputs);
  const contents = new Map(outputFiles.map((output) => [basename(output.path), output.contents]));
  const part = (paths: readonly string[]): BundlePart => ({
    files: paths.map((path) => ({ name: basename(path), contents: contents.get(basename(path)) ?? new Uint8Array() })),
    sources: [...new Set(paths.flatMap((path) => sourcesOf(outputs[path])))],
  });
  return { eager: part([...eager]), lazy: part(Object.keys(outputs).filter((path) => !eager.has(path))) };
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
