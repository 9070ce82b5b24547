import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached, say } from './cache.ts';
import { MissingToolError } from './java.ts';
import { freePort } from './ports.ts';
import { startServer } from './process.ts';

const packages = ['moto[server]==5.2.5'];
const program = join(import.meta.dirname, 'aws', 'endpoint.py');

/** An AWS endpoint: CloudFormation, Lambda with event source mappings of Kafka, IAM, S3, SSM, Secrets Manager, CloudWatch. It checks no signatures. */
export interface AwsServer {
  readonly endpoint: string;
  /** What clients and commands need to speak to it instead of AWS. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface AwsOptions {
  /** Where invocations go, by the function's name: `URL/NAME`. */
  readonly runner?: string;
}

/** Starts it with nothing deployed. Throws a MissingToolError where there is no Python. */
export async function startAws({ runner }: AwsOptions = {}): Promise<AwsServer> {
  const python = await installed();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const dir = await mkdtemp(join(tmpdir(), 'sluice-aws-'));
  const server = await startServer({
    name: 'the AWS endpoint',
    command: python,
    args: [program, '-H', '127.0.0.1', '-p', String(port)],
    logFile: join(dir, 'endpoint.log'),
    temporaryDir: dir,
    env: { ...process.env, ...(runner === undefined ? {} : { LAMBDA_RUNNER: runner }) },
    isReady: async () => (await fetch(`${endpoint}/moto-api/`)).ok,
  });
  return {
    endpoint,
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      // Milliseconds between two looks at a deployment's progress.
      SLS_AWS_MONITORING_FREQUENCY: '300',
    },
    async stop() {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The Python with the endpoint in it, installed once. */
async function installed(): Promise<string> {
  const run = promisify(execFile);
  const version = await run('python3', ['--version']).then(
    ({ stdout }) => stdout.trim(),
    () => {
      throw new MissingToolError('python3 is missing; it runs the AWS endpoint that is deployed to.');
    },
  );
  const folder = await cached({
    name: 'moto',
    inputs: [version, ...packages],
    async build(dir) {
      say(`Installing ${packages.join(' and ')} ...`);
      await run('python3', ['-m', 'venv', dir]).catch((cause: unknown) => {
        throw new MissingToolError('python3 has no venv; it keeps the AWS endpoint apart.', { cause });
      });
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', ...packages];
      await run(join(dir, 'bin', 'python'), pip);
    },
  });
  return join(folder, 'bin', 'python');
}
