import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Jdk } from './java.ts';
import { freePorts } from './ports.ts';
import { type ServerProcess, startServer } from './process.ts';

export interface SearchOptions {
  /** Keeps indices between starts. Without it they are gone after `stop`. */
  readonly dataDir?: string;
  /** A free one when not given. */
  readonly port?: number;
  readonly heapMb?: number;
  /** Node settings, such as `{ 'thread_pool.write.queue_size': '1' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lets the virtual machine use its default compilers and collector: for benchmarks. */
  readonly fullSpeed?: boolean;
}

export interface SearchServer {
  /** The base URL. */
  readonly node: string;
  readonly port: number;
  readonly pid: number;
  /** Ends the node cleanly. Without a `dataDir` everything is gone, unless `keep` is set because it will start again. */
  stop(options?: { readonly keep?: boolean }): Promise<void>;
  /** Ends the node as a power cut would. What it had stays for the next `start`. */
  kill(): Promise<void>;
  /** Starts a stopped or killed node again, on the same port. */
  start(): Promise<void>;
}

export interface Launcher {
  readonly name: string;
  readonly jdk: Jdk;
  /** The built project: `lib`, `classes` and, where there are some, `modules`. */
  readonly project: string;
  readonly mainClass: string;
  readonly modules: boolean;
}

// One compiler and one collector thread: half the start-up work of the defaults on a small machine.
const QUICK = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

/** Starts a single search node and answers once it answers. It ends with this process at the latest. */
export async function startSearchNode({ name, jdk, project, mainClass, modules }: Launcher, options: SearchOptions): Promise<SearchServer> {
  const temporaryDir = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), `sluice-${mainClass.toLowerCase()}-`)) : undefined;
  const home = temporaryDir ?? options.dataDir ?? '';
  if (modules) await cp(join(project, 'modules'), join(home, 'modules'), { recursive: true });
  await mkdir(join(home, 'config'), { recursive: true });
  const [http, transport] = (await freePorts(2)) as [number, number];
  const port = options.port ?? http;
  const node = `http://127.0.0.1:${port}`;
  const heapMb = options.heapMb ?? 512;
  const vmFlags = [`-Xms${heapMb}m`, `-Xmx${heapMb}m`, ...(options.fullSpeed ? [] : QUICK), '--enable-native-access=ALL-UNNAMED'];
  const settings = Object.entries(options.settings ?? {}).map(([setting, value]) => `${setting}=${value}`);
  const boot = () =>
    startServer({
      name,
      command: join(jdk.home, 'bin', 'java'),
      args: [...vmFlags, '-cp', `${project}/classes:${project}/lib/*`, mainClass, home, String(port), String(transport), ...settings],
      cwd: home,
      logFile: join(home, 'node.log'),
      // The node answers before the indices it had are open again.
      isReady: async () =>
        (await fetch(`${node}/_cluster/health?wait_for_status=yellow&timeout=1s`, { signal: AbortSignal.timeout(2_000) })).ok,
      ...(temporaryDir === undefined ? {} : { temporaryDir }),
    });
  let server: ServerProcess = await boot();
  return {
    node,
    port,
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
