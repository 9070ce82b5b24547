import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cached, cacheFolder, locked, say } from './cache.ts';

const run = promisify(execFile);

export interface Jdk {
  readonly home: string;
  readonly major: number;
  readonly version: string;
}

/** A tool that a real server needs is not on this machine. The message says which and what to install. */
export class MissingToolError extends Error {
  override readonly name = 'MissingToolError';
}

export interface JavaNeeds {
  /** What the message calls the thing that needs it. */
  readonly what: string;
  readonly atLeast: number;
  /** Whether the compiler is needed too. */
  readonly compiler?: boolean;
}

/** The Java on the PATH when it will do, otherwise the newest one in JAVA_HOME or where systems install their JDKs. */
export async function findJava({ what, atLeast, compiler = false }: JavaNeeds): Promise<Jdk> {
  const found: Jdk[] = [];
  for (const home of await jdkHomes()) {
    const jdk = await readJdk(home);
    if (jdk && jdk.major >= atLeast && (!compiler || existsSync(join(home, 'bin', 'javac')))) found.push(jdk);
  }
  const onPath = await homeOnPath();
  const jdk = found.find(({ home }) => home === onPath) ?? found.sort((one, other) => other.major - one.major)[0];
  if (jdk) return jdk;
  const kind = compiler ? 'a JDK' : 'Java';
  throw new MissingToolError(
    `${what} needs ${kind} ${atLeast} or newer, and none was found. Install one, on the PATH or beside the default Java, or set JAVA_HOME.`,
  );
}

async function homeOnPath(): Promise<string | undefined> {
  const java = which('java');
  return java && dirname(dirname(await realpath(java)));
}

async function jdkHomes(): Promise<string[]> {
  const homes = new Set<string>();
  const { JAVA_HOME, HOME } = process.env;
  if (JAVA_HOME) homes.add(JAVA_HOME);
  const parents = new Set(['/usr/lib/jvm', '/Library/Java/JavaVirtualMachines', ...(HOME ? [join(HOME, '.sdkman/candidates/java')] : [])]);
  const onPath = await homeOnPath();
  if (onPath) homes.add(onPath);
  if (onPath) parents.add(dirname(onPath));
  for (const parent of parents) {
    for (const name of await readdir(parent).catch(() => [])) {
      homes.add(join(parent, name));
      homes.add(join(parent, name, 'Contents', 'Home'));
    }
  }
  return [...homes];
}

async function readJdk(home: string): Promise<Jdk | undefined> {
  const release = await readFile(join(home, 'release'), 'utf8').catch(() => '');
  const version = /^JAVA_VERSION="([^"]+)"/m.exec(release)?.[1];
  if (version === undefined || !existsSync(join(home, 'bin', 'java'))) return undefined;
  const [first, second] = version.split(/[._-]/);
  return { home, version, major: Number(first === '1' ? second : first) };
}

function which(tool: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, tool)).find((path) => existsSync(path));
}

/** The folder that holds our pom files and launchers. */
export const javaSources: string = fileURLToPath(new URL('./java', import.meta.url));

/** A cached folder in which the Maven project at `java/NAME` has copied its jars, and whatever `finish` made of them. */
export async function mavenProject(
  name: string,
  what: string,
  files: readonly string[],
  finish?: (dir: string) => Promise<void>,
): Promise<string> {
  const source = join(javaSources, name);
  const inputs = await Promise.all(files.map((file) => readFile(join(source, file), 'utf8')));
  return await cached({
    name,
    inputs,
    async build(dir) {
      if (!which('mvn')) throw new MissingToolError(`${what} comes by Maven, and mvn is not on the PATH. Install Maven 3.8 or newer.`);
      for (const file of files) await cp(join(source, file), join(dir, file));
      say(`Fetching ${what} with Maven, once (about a minute) ...`);
      // Two Mavens must not fill one local repository at the same time.
      await locked(join(cacheFolder(), 'maven'), () => maven(dir));
      await finish?.(dir);
    },
  });
}

async function maven(dir: string): Promise<void> {
  try {
    await run('mvn', ['-q', '-B', 'initialize'], { cwd: dir, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`Maven could not fetch what ${join(dir, 'pom.xml')} names:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}

/** Compiles one source file of the folder into `output` against the jars of `lib`. */
export async function compileJava(jdk: Jdk, dir: string, source: string, output: string): Promise<void> {
  await mkdir(join(dir, output), { recursive: true });
  await run(join(jdk.home, 'bin', 'javac'), ['--release', '21', '-cp', 'lib/*', '-d', output, source], { cwd: dir });
}

/** The jars of a folder as a class path, always in the same order: an archive of classes is valid for one order only. */
export async function classPath(folder: string): Promise<string> {
  const names = await readdir(folder);
  const jars = names.filter((name) => name.endsWith('.jar')).sort();
  return jars.map((jar) => join(folder, jar)).join(delimiter);
}
