import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached, say } from './cache.ts';
import { MissingToolError } from './java.ts';
import { freePort } from './ports.ts';
import { type ServerProcess, startServer } from './process.ts';

const run = promisify(execFile);
const NAME = 'versitygw 1.8.0';
const MODULE = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';

export interface S3Options {
  /** Keeps buckets between starts. Without it they are gone after `stop`. */
  readonly dataDir?: string;
  /** A free one when not given. */
  readonly port?: number;
}

export interface S3Server {
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly pid: number;
  /** Ends the server; without a `dataDir` everything is gone. */
  stop(): Promise<void>;
}

/** Starts a real S3 server on files, which checks signatures, checksums and conditions. It ends with this process at the latest. */
export async function startS3(options: S3Options = {}): Promise<S3Server> {
  const program = await s3Program();
  const temporaryDir = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'sluice-s3-')) : undefined;
  const home = temporaryDir ?? options.dataDir ?? '';
  const folders = ['data', 'metadata', 'versions'].map((name) => join(home, name)) as [string, string, string];
  for (const folder of folders) await mkdir(folder, { recursive: true });
  const [data, metadata, versions] = folders;
  const [accessKeyId, secretAccessKey, region] = ['sluice-tests', 'sluice-tests-secret-key', 'us-east-1'];
  const port = options.port ?? (await freePort());
  const endpoint = `http://127.0.0.1:${port}`;
  const server: ServerProcess = await startServer({
    name: NAME,
    command: program,
    // Beside the files, as not every file system of temporary files has extended attributes.
    args: [
      '--port',
      `127.0.0.1:${port}`,
      '--region',
      region,
      '--quiet',
      'posix',
      '--sidecar',
      metadata,
      '--versioning-dir',
      versions,
      data,
    ],
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home, ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    logFile: join(home, 's3.log'),
    isReady: async () => (await fetch(endpoint, { signal: AbortSignal.timeout(2_000) })).status === 403,
    ...(temporaryDir === undefined ? {} : { temporaryDir }),
  });
  return {
    ...{ endpoint, port, region, accessKeyId, secretAccessKey, pid: server.pid },
    async stop() {
      await server.stop();
      if (temporaryDir !== undefined) await rm(temporaryDir, { recursive: true, force: true });
    },
  };
}

async function s3Program(): Promise<string> {
  const dir = await cached({
    name: 'versitygw',
    inputs: [MODULE, process.platform, process.arch],
    async build(dir) {
      await goVersion();
      say(`Building ${NAME} with Go, once (three minutes or more) ...`);
      try {
        await run('go', ['install', MODULE], { env: { ...process.env, GOBIN: dir }, maxBuffer: 64 * 1024 * 1024 });
      } catch (error) {
        throw new Error(`Go could not build ${MODULE}:\n${(error as { stderr?: string }).stderr ?? ''}`, { cause: error });
      }
    },
  });
  return join(dir, 'versitygw');
}

async function goVersion(): Promise<void> {
  try {
    await run('go', ['version']);
  } catch {
    throw new MissingToolError(`${NAME} is built with Go, and go is not on the PATH. Install Go 1.25 or newer.`);
  }
}
