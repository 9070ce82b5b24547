import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { parseExact } from '../../contract/kit/exact.ts';
import { cached, say } from './cache.ts';
import { MissingToolError } from './java.ts';
import type { Row } from './maxcompute/record-stream.ts';

/** The client needs pandas for timestamps, and zstandard for what is compressed with it. */
const packages = ['pyodps==0.13.1', 'pandas==2.3.3', 'zstandard==0.25.0'];
const script = join(import.meta.dirname, 'maxcompute', 'pyodps.py');

/** Where the official client for MaxCompute is to find its target. */
export interface PyodpsConnection {
  readonly endpoint: string;
  readonly project: string;
  readonly accessId: string;
  readonly accessKey: string;
  readonly region?: string;
  readonly quota?: string;
}

interface Where {
  readonly schema?: string;
  /** `pt=a,hh=b`. Without it all partitions are read. */
  readonly partition?: string;
  readonly compression?: 'zlib' | 'zstd';
}

/** The official Python client in a process of its own. Rows are spelled as the test server shows them. */
export interface Pyodps {
  read(table: string, where?: Where): Promise<readonly Row[]>;
  write(
    table: string,
    rows: readonly Row[],
    options?: Where & { readonly upload?: 'stream' | 'block'; readonly blocks?: number; readonly createPartition?: boolean },
  ): Promise<void>;
  create(table: string, columns: Readonly<Record<string, string>>, partitionedBy?: Readonly<Record<string, string>>): Promise<void>;
  describe(table: string): Promise<{ readonly columns: object; readonly partitionedBy: object }>;
  stop(): Promise<void>;
}

/** The Python with the client in it, installed once. Throws a MissingToolError where there is no Python. */
export async function installPyodps(): Promise<string> {
  const run = promisify(execFile);
  const version = await run('python3', ['--version']).then(
    ({ stdout }) => stdout.trim(),
    () => {
      throw new MissingToolError('python3 is missing; it runs the official client of MaxCompute.');
    },
  );
  const folder = await cached({
    name: 'pyodps',
    inputs: [version, ...packages],
    async build(dir) {
      say(`Installing ${packages.join(' and ')} ...`);
      await run('python3', ['-m', 'venv', dir]).catch((cause: unknown) => {
        throw new MissingToolError('python3 has no venv; it keeps the official client of MaxCompute apart.', { cause });
      });
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--only-binary', ':all:', ...packages];
      await run(join(dir, 'bin', 'python'), pip);
    },
  });
  return join(folder, 'bin', 'python');
}

/** Starts the client. It needs a second to load, and then little for each table. */
export function startPyodps(python: string, connection: PyodpsConnection): Pyodps {
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, PYTHONWARNINGS: 'ignore' } });
  const exited = once(child, 'close');
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = `${complaints}${chunk}`.slice(-2_000);
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();

  const ask = async (command: object): Promise<unknown> => {
    child.stdin.write(`${toJson({ connection, ...command })}\n`);
    const { value, done } = await answers.next();
    if (done === true) throw new Error(`The client ended: ${complaints}`);
    const answer = parseExact(value) as { readonly error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  };
  const inTurn = <Result>(command: object): Promise<Result> => {
    const answer = last.then(() => ask(command)) as Promise<Result>;
    last = answer.catch(() => undefined);
    return answer;
  };

  return {
    read: async (table, where = {}) => (await inTurn<{ rows: readonly Row[] }>({ do: 'read', table, ...where })).rows,
    write: async (table, rows, options = {}) => void (await inTurn({ do: 'write', table, rows, ...options })),
    create: async (table, columns, partitionedBy = {}) => void (await inTurn({ do: 'create', table, columns, partitionedBy })),
    describe: (table) => inTurn({ do: 'describe', table }),
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

/** Python reads all digits of a number. */
function toJson(command: object): string {
  const digits = (value: bigint) => (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value));
  return JSON.stringify(command, (_, value) => (typeof value === 'bigint' ? digits(value) : value));
}
