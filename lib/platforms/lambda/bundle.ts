import { basename, dirname, extname, relative, resolve, sep } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { zipSync } from 'fflate';
import { ConfigError } from '../../core/errors.ts';
import type { FunctionSettings } from './function-settings.ts';

// pg and kafkajs are CommonJS, which expects these names.
const banner =
  "import{createRequire as __cr}from'node:module';import{fileURLToPath as __fu}from'node:url';import{dirname as __dn}from'node:path';" +
  'const require=__cr(import.meta.url);const __filename=__fu(import.meta.url);const __dirname=__dn(__filename);';

export interface BundleOptions {
  /** The folder of the service. */
  readonly root: string;
  /** The file with the handler. */
  readonly handlerFile: string;
  /** What the function is told; left out, it finds none. */
  readonly settings?: FunctionSettings;
  /** Packages that the runtime brings, or that this function never loads. */
  readonly external?: readonly string[];
  readonly sourcemap?: boolean;
}

export interface BundledFile {
  /** Relative to the root of the package, with slashes. */
  readonly path: string;
  readonly contents: Uint8Array;
}

export interface Bundle {
  /** The entry first. */
  readonly files: readonly BundledFile[];
  readonly entry: string;
  readonly metafile: Metafile;
}

/** In its repository `sluice` means the sources. */
const conditions = import.meta.url.endsWith('.ts') ? ['sluice-source'] : [];

/**
 * Bundles a function with its settings, its own sink and nothing of the others: ES modules for one folder, of which the entry has the
 * handler's name, and what is seldom needed is a chunk that loads when it is. Throws a ConfigError with esbuild's words.
 */
export async function bundleFunction({ root, handlerFile, settings, external = [], sourcemap = true }: BundleOptions): Promise<Bundle> {
  const name = relative(root, handlerFile).split(sep).join('/');
  const entryName = name.slice(0, -extname(name).length);
  const folder = dirname(entryName);
  const settingsFile = `${basename(entryName)}.settings.mjs`;
  const outdir = resolve(root, '.sluice/bundle');
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    stdin: {
      contents: `import ${JSON.stringify(`./${settingsFile}`)};\nexport * from ${JSON.stringify(`./${basename(name)}`)};\n`,
      resolveDir: dirname(handlerFile),
      sourcefile: 'entry.js',
      loader: 'js',
    },
    outdir,
    write: false,
    bundle: true,
    minify: true,
    splitting: true,
    sourcemap: sourcemap ? 'linked' : false,
    sourcesContent: false,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    mainFields: ['module', 'main'],
    conditions: [...conditions],
    external: ['pg-native', ...external],
    entryNames: 'entry',
    chunkNames: 'chunks/[name]-[hash]',
    banner: { js: banner },
    outExtension: { '.js': '.mjs' },
    metafile: true,
    logLevel: 'silent',
    plugins: [keptApart(`./${settingsFile}`)],
  }).catch((error: unknown) => {
    throw new ConfigError('BUNDLE_FAILED', `${name} cannot be bundled: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
  const files = outputFiles.map(({ path, contents }) => ({ path: relative(outdir, path).split(sep).join('/'), contents }));
  const entry = `${basename(entryName)}.mjs`;
  const bundle: Bundle = {
    files: files
      .map(({ path, contents }) =>
        path.startsWith('entry.mjs') ? { path: path.replace('entry.mjs', entry), contents: renamed(contents, entry) } : { path, contents },
      )
      .map(({ path, contents }) => ({ path: folder === '.' ? path : `${folder}/${path}`, contents }))
      .toSorted((a, b) => (a.path.endsWith(entry) ? -1 : b.path.endsWith(entry) ? 1 : a.path < b.path ? -1 : 1)),
    entry: folder === '.' ? entry : `${folder}/${entry}`,
    metafile,
  };
  return withSettings(bundle, settings);
}

/** The entry's source map has its name. */
function renamed(contents: Uint8Array, entry: string): Uint8Array {
  const text = Buffer.from(contents).toString();
  return Buffer.from(text.replace('//# sourceMappingURL=entry.mjs.map', `//# sourceMappingURL=${entry}.map`));
}

/** A module that stays a file of its own next to the entry. */
function keptApart(specifier: string): Plugin {
  return {
    name: 'kept-apart',
    setup({ onResolve }) {
      onResolve({ filter: /\.settings\.mjs$/ }, ({ path }) =>
        path === specifier ? { path, external: true, sideEffects: true } : undefined,
      );
    },
  };
}

/** The bundle with what its function is told: a module that runs before the function. */
export function withSettings(bundle: Bundle, settings: FunctionSettings | undefined): Bundle {
  const path = bundle.entry.replace(/mjs$/, 'settings.mjs');
  const text = settings === undefined ? '' : `globalThis[Symbol.for('sluice.settings')] = ${JSON.stringify(settings)};\n`;
  return { ...bundle, files: [...bundle.files.filter((file) => file.path !== path), { path, contents: Buffer.from(text) }] };
}

/** The files as a ZIP archive that depends on nothing but them: no times, no order of a file system. */
export function zip(files: readonly BundledFile[]): Uint8Array {
  const mtime = new Date(1980, 0, 1); // the earliest that the format knows, in whatever time zone this runs
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return zipSync(
    Object.fromEntries(sorted.map(({ path, contents }) => [path, [contents, { mtime, level: 6, os: 3, attrs: 0o644 << 16 }]])),
  );
}
