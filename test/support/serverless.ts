import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { type ServiceFolder, serviceFolder } from './service-folder.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const framework = join(repository, 'node_modules', 'serverless', 'bin', 'serverless.js');

export interface CommandResult {
  readonly code: number;
  /** What a person sees: both streams as they came. */
  readonly output: string;
}

/** Runs a command of the Serverless Framework in the folder of a service, with nothing of this process's environment but its PATH. */
export async function serverless(folder: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<CommandResult> {
  const child = spawn(process.execPath, [framework, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, TERM: 'dumb', ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1)));
  return { code, output };
}

/** A folder of a user, with the sources of sluice as they are now: whoever edits them meanwhile changes no deployment. */
export async function deployableService(files: Readonly<Record<string, string>>): Promise<ServiceFolder> {
  const folder = await serviceFolder(files);
  const installed = join(folder.path, 'node_modules', 'sluice');
  const sources = join(folder.path, 'sources-of-sluice'); // Node reads no TypeScript below node_modules
  await mkdir(sources);
  for (const part of ['lib', 'package.json']) await cp(join(repository, part), join(sources, part), { recursive: true });
  await symlink(join(repository, 'node_modules'), join(sources, 'node_modules'));
  await rm(installed);
  await symlink(sources, installed);
  return folder;
}

/** One with the serverless.yml and the functions of this repository. */
export async function exampleService(): Promise<ServiceFolder> {
  const folder = await deployableService({ 'serverless.yml': await readFile(join(repository, 'serverless.yml'), 'utf8') });
  await cp(join(repository, 'functions'), join(folder.path, 'functions'), { recursive: true });
  return folder;
}

/** The files of an archive that was packaged, as text. */
export async function archived(folder: string, name: string): Promise<Readonly<Record<string, string>>> {
  const files = unzipSync(await readFile(join(folder, '.serverless', `${name}.zip`)));
  return Object.fromEntries(Object.entries(files).map(([path, contents]) => [path, Buffer.from(contents).toString()]));
}
