// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how serverless.yml writes variables
import { readFileSync } from 'node:fs';
import { type ApplicationText, buildApplication, buildCommand, buildRouteMap, type CommandContext, run, text_en } from '@stricli/core';
import { ConfigError, ConnectorError } from '../core/errors.ts';
import type { ProduceWorld } from './produce.ts';
import { offlineSources } from './variables.ts';

interface Context extends CommandContext {
  readonly world: ProduceWorld;
  /** The exit code of the command. */
  exit(code: number): void;
}

const text = (brief: string, placeholder = 'value') => ({ kind: 'parsed', brief, placeholder, parse: String, optional: true }) as const;
const list = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', brief, placeholder, parse: String, optional: true, variadic: true }) as const;
const number = (brief: string, placeholder: string) => ({ kind: 'parsed', brief, placeholder, parse: parseCount, optional: true }) as const;
const flag = (brief: string) => ({ kind: 'boolean', brief, optional: true, withNegated: false }) as const;

/** Options of every command that reads serverless.yml. */
const service = {
  config: { kind: 'parsed', brief: 'The service file', placeholder: 'file', parse: String, default: 'serverless.yml' },
  stage: text('Stage, as for serverless deploy', 'name'),
} as const;

interface DevArguments {
  readonly config: string;
  readonly stage?: string;
  readonly param?: readonly string[];
  readonly only?: readonly string[];
  readonly once?: boolean;
  readonly fromBeginning?: boolean;
  readonly dryRun?: boolean;
  readonly events?: string;
  readonly brokers?: string;
}

const devCommand = buildCommand<DevArguments, [], Context>({
  docs: {
    brief: 'Run connectors here exactly as Lambda would call them',
    fullDescription: `Emulates Lambda's event source mapping: batches, retries, timeouts, and the exported handler in a process of its own.\nVariables that are resolved without a cloud:\n  ${offlineSources.join('\n  ')}`,
  },
  parameters: {
    flags: {
      ...service,
      param: list('A parameter for ${param:…}', 'name=value'),
      only: list('Only this connector', 'name'),
      once: flag('End when everything that is there now was delivered'),
      fromBeginning: flag('Begin at the oldest record'),
      dryRun: flag('Show what would be written; write and commit nothing'),
      events: text('Recorded events instead of Kafka: JSON, a list, or one a line', 'file'),
      brokers: text('Brokers instead of those of the service', 'host:port'),
    },
  },
  async func(this: Context, { param, ...flags }) {
    const { dev } = await import('./dev.ts');
    this.exit(await dev({ ...flags, ...(param === undefined ? {} : { param: parseParams(param) }) }, this.world));
  },
});

interface ProduceArguments {
  readonly config: string;
  readonly stage?: string;
  readonly brokers?: string;
  readonly file?: string;
  readonly key?: string;
  readonly keyField?: string;
  readonly header?: readonly string[];
  readonly tombstone?: boolean;
}

const produceCommand = buildCommand<ProduceArguments, [string, ...string[]], Context>({
  docs: { brief: 'Write values to a topic: from the command line, a file, or standard input, one a line' },
  parameters: {
    flags: {
      ...service,
      brokers: text('Brokers instead of those of the service', 'host:port'),
      file: text('A file with one value a line, or a .json file with a list', 'file'),
      key: text('Key of all records'),
      keyField: text('The field of each JSON value that becomes its key', 'name'),
      header: list('A header of all records', 'name=value'),
      tombstone: flag('Write a tombstone for --key'),
    },
    positional: {
      kind: 'array',
      parameter: { brief: 'The topic, then values', placeholder: 'topic|value', parse: String },
      minimum: 1,
    },
  },
  async func(this: Context, flags, topic, ...values) {
    const { produce } = await import('./produce.ts');
    this.exit(await produce(flags, topic, values, this.world));
  },
});

interface RunArguments {
  readonly config: string;
  readonly stage?: string;
  readonly param?: readonly string[];
  readonly only?: readonly string[];
  readonly brokers?: string;
  readonly untilCaughtUp?: boolean;
  readonly patience?: number;
  readonly metricsPort?: number;
  readonly json?: boolean;
}

const runCommand = buildCommand<RunArguments, [], Context>({
  docs: {
    brief: 'Run connectors as workers, in the consumer groups that Lambda would use',
    fullDescription: `Starts one process for each connector, which comes back by itself after a crash or an outage.\nVariables that are resolved without a cloud:\n  ${offlineSources.join('\n  ')}`,
  },
  parameters: {
    flags: {
      ...service,
      param: list('A parameter for ${param:…}', 'name=value'),
      only: list('Only this connector', 'name'),
      brokers: text('Brokers instead of those of the service', 'host:port'),
      untilCaughtUp: flag('End when everything that is there now was delivered'),
      patience: number('With --until-caught-up: seconds without progress after which it gives up (60)', 'seconds'),
      metricsPort: number('Serve /metrics, /readyz and /healthz from this port of 127.0.0.1 on, one port for each connector', 'port'),
      json: flag('One JSON object a line instead of text, with a measurement each second'),
    },
  },
  async func(this: Context, { param, ...flags }) {
    const { run } = await import('./run.ts');
    this.exit(await run({ ...flags, ...(param === undefined ? {} : { param: parseParams(param) }) }, this.world));
  },
});

const routes = buildRouteMap({
  routes: { run: runCommand, dev: devCommand, produce: produceCommand },
  docs: { brief: 'Connectors from Kafka to the systems where data is used' },
});

/** Errors end in what to do; the stack is for whoever asks for it with --debug. */
function words(debug: boolean): ApplicationText {
  const explain = (error: unknown): string => {
    if (debug && error instanceof Error) return error.stack ?? error.message;
    if (error instanceof ConnectorError) return error.message;
    return `${error instanceof Error ? error.message : String(error)}\nThis was not foreseen. Say --debug to see where it comes from.`;
  };
  return {
    ...text_en,
    exceptionWhileRunningCommand: explain,
    exceptionWhileLoadingCommandFunction: explain,
    exceptionWhileLoadingCommandContext: explain,
  };
}

function parseCount(input: string): number {
  if (!/^\d+$/.test(input)) throw new SyntaxError('Expected a whole number');
  return Number(input);
}

function parseParams(params: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    params.map((param) => {
      const at = param.indexOf('=');
      if (at < 1) throw new ConfigError('USAGE', 'Expected --param to be name=value.');
      return [param.slice(0, at), param.slice(at + 1)];
    }),
  );
}

// Who stops all processes of a service at once, as systemd does, is heard here twice: by itself and by way of sluice.js.
const sameRequestMs = 500;

/** Runs the command line: exit code 0 when it worked, 1 when it failed, 2 when something has to be written or set differently. */
async function main(): Promise<void> {
  const debug = process.argv.includes('--debug');
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  const application = buildApplication(routes, {
    name: 'sluice',
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: 'allow-kebab-for-camel' },
    documentation: { caseStyle: 'convert-camel-to-kebab', disableAnsiColor: (process.env['NO_COLOR'] ?? '') !== '' },
    localization: { loadText: () => words(debug) },
    determineExitCode: (error) => (error instanceof ConfigError ? 2 : 1),
  });
  const stop = new AbortController();
  let askedAt: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      askedAt ??= performance.now();
      stop.abort();
      if (performance.now() - askedAt > sameRequestMs) process.exit(130); // whoever asks twice does not want to wait for the batch
    });
  }
  const { env, stdin, stdout, stderr } = process;
  let commandCode = 0;
  const own = { stdout, stderr, env, exitCode: null as number | string | null };
  const exit = (code: number): void => {
    commandCode = code;
  };
  const context = { process: own, world: { env, stdin, stdout, stderr, signal: stop.signal }, exit };
  await run(
    application,
    process.argv.slice(2).filter((argument) => argument !== '--debug'),
    context,
  );
  // Codes below zero are mistakes of the command line itself.
  const code = Number(own.exitCode ?? 0);
  process.exitCode = code < 0 ? 2 : code > 0 ? code : commandCode;
}

await main();
