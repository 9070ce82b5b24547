import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  readonly code: number;
  /** What a person sees: both streams as they came. */
  readonly output: string;
}

/** Somebody with an empty folder, Node and npm, and nothing of this repository but the package. */
export interface Newcomer {
  /** The file of the package. */
  readonly tarball: string;
  /** Where they are now. */
  folder(): string;
  /** Types a command line. `cd` and `export` last, as in a terminal. */
  type(command: string): Promise<Ended>;
  leave(): Promise<void>;
}

/** What this process was started with, and no terminal of a newcomer knows. */
const ours =
  /^(npm_(?!config_(registry|cache|userconfig)$)|VITEST|NODE_OPTIONS$|NODE_ENV$|NODE_PATH$|INIT_CWD$|CI$|SLUICE_|AWS_|KAFKA_|FORCE_COLOR$)/i;

/** Builds and packs the package as it would be published, and hands it to somebody who has just come. */
export async function newcomer(environment: Readonly<Record<string, string>>): Promise<Newcomer> {
  const home = await mkdtemp(join(tmpdir(), 'sluice-newcomer-'));
  let env: NodeJS.ProcessEnv = { ...newcomerEnvironment(), ...environment };
  let folder = home;
  const packed = await run('npm', ['pack', '--pack-destination', home], repository, env);
  const file = packed.output.trim().split('\n').at(-1) ?? '';
  if (packed.code !== 0 || !file.endsWith('.tgz')) throw new Error(`npm pack failed:\n${packed.output}`);
  return {
    tarball: join(home, file),
    folder: () => folder,
    async type(command) {
      const state = join(home, 'state.json');
      const keep = `process.stdout.write(JSON.stringify({ folder: process.cwd(), env: process.env }))`;
      const script = `${command}\ncode=$?\nnode -e '${keep}' > '${state}'\nexit $code`;
      const ended = await run('bash', ['-c', script], folder, env);
      const after = JSON.parse(await readFile(state, 'utf8')) as { readonly folder: string; readonly env: NodeJS.ProcessEnv };
      ({ folder, env } = after);
      return ended;
    },
    leave: () => rm(home, { recursive: true, force: true }),
  };
}

function newcomerEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
  // The Node that runs this, and no command of a package but those of the newcomer's own folder.
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.split(sep).includes('node_modules'));
  return {
    ...Object.fromEntries(kept),
    PATH: [dirname(process.execPath), ...path].join(delimiter),
    NO_COLOR: '1',
    TERM: 'dumb',
    npm_config_loglevel: 'error',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
  };
}

async function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
  return { code, output };
}

/** Types a text into a file of theirs. */
export async function save(person: Newcomer, file: string, text: string): Promise<void> {
  await writeFile(join(person.folder(), file), text);
}
