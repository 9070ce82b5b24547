import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError } from '../core/errors.ts';
import type { CommandWorld } from './dev.ts';
import { type Package, packageJson, serviceFiles } from './scaffold/service-files.ts';
import { silentTerminal, terminal } from './terminal.ts';

/** What a folder may hold in which a service begins: what npm and git leave there. */
const mayBeThere = new Set(['package.json', 'package-lock.json', 'node_modules', '.git', '.npmrc', '.nvmrc', '.DS_Store', 'LICENSE']);

/** Begins a service in an empty folder, with a connector that works and its tests. Overwrites nothing but package.json, which keeps what it says. Answers the exit code. */
export async function init(
  folder: string | undefined,
  world: CommandWorld,
  { json = false }: { readonly json?: boolean } = {},
): Promise<number> {
  const out = json ? silentTerminal : terminal(world.stdout, world.env);
  const root = resolve(folder ?? '.');
  const found = existsSync(root) ? readdirSync(root).find((name) => !mayBeThere.has(name)) : undefined;
  if (found !== undefined)
    throw new ConfigError(
      'USAGE',
      `There is ${found} in ${root}, and a service begins in an empty folder. Name another one: npx sluice init FOLDER. To a service that is there, npx sluice new adds a connector.`,
    );
  const manifest = join(root, 'package.json');
  const existing = existsSync(manifest) ? readPackage(manifest) : {};
  const name = serviceName(existing.name ?? basename(root));
  const files = { 'package.json': `${JSON.stringify(packageJson(name, ownVersion(), existing), null, 2)}\n`, ...serviceFiles(name) };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    out.line(`  ${out.style('green', 'new')}   ${path}`);
  }
  const isInstalled = existsSync(join(root, 'node_modules', 'sluice'));
  out.line();
  out.line(`  ${isInstalled ? 'Try it   ' : 'Try it   npm install, then '}npm test`);
  out.line('  Then     npx sluice new NAME --sink SINK   or change functions/quakes-to-console.ts');
  if (isInstalled) out.line('  Before the first npx serverless deploy: npm install');
  if (json) terminal(world.stdout, world.env).line(JSON.stringify({ folder: root, service: name, files: Object.keys(files) }, null, 2));
  return 0;
}

/** As AWS takes it: letters, digits and hyphens, a letter first. */
function serviceName(text: string): string {
  const name = text
    .replace(/^@[^/]*\//, '')
    .replaceAll(/[^a-zA-Z0-9]+/g, '-')
    .replace(/^[^a-zA-Z]+/, '')
    .replace(/-+$/, '');
  return name === '' ? 'connectors' : name;
}

function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  return version;
}

function readPackage(file: string): Package {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Package;
  } catch (cause) {
    throw new ConfigError('USAGE', `${file} is not JSON. Correct or remove it.`, { cause });
  }
}
