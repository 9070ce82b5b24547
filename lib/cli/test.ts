import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { ConfigError, ConnectorError } from '../core/errors.ts';
import { toJson } from '../core/json.ts';
import { type ConnectorSettings, readSettings, topicsOf } from '../core/settings.ts';
import type { CommandWorld } from './dev.ts';
import { chooseConnectors, formatProblems, problemsOf } from './problems.ts';
import { changes, failsAsExpected, readExpected, toExpectedText } from './samples/expected.ts';
import type { SampleResult } from './samples/result.ts';
import { readSamples, type Sample } from './samples/sample-lines.ts';
import { trySamples } from './samples/try-samples.ts';
import { readService, type Service, type ServiceConnector } from './service.ts';
import { terminal } from './terminal.ts';
import { type ConnectorTrial, printTrial, trialJson } from './test-report.ts';
import { folderChanges } from './watch.ts';

export interface TestFlags {
  readonly config: string;
  readonly stage?: string;
  readonly param?: Readonly<Record<string, string>>;
  readonly update?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/**
 * Runs samples through connectors' formats and transforms and compares the records with the expected ones. Answers the exit code: 1 when a
 * transform failed or records are not the expected ones, 2 when something has to be set first.
 */
export async function test(flags: TestFlags, name: string | undefined, world: CommandWorld): Promise<number> {
  if (flags.watch !== true) return await testOnce(flags, name, world);
  const out = terminal(world.stdout, world.env);
  let code = 0;
  const root = dirname(flags.config);
  const wait = folderChanges(root, world.signal);
  do {
    if (flags.json !== true && world.stdout.isTTY === true) world.stdout.write('\u001b[2J\u001b[3J\u001b[H');
    code = await testOnce(flags, name, world).catch((error: unknown) => {
      if (!(error instanceof ConnectorError)) throw error;
      terminal(world.stderr, world.env).line(error.message);
      return 2;
    });
    if (flags.json !== true) out.line(out.style('dim', '\n  Waiting for a change. Ctrl-C ends.'));
  } while (await wait());
  return code;
}

async function testOnce(flags: TestFlags, name: string | undefined, world: CommandWorld): Promise<number> {
  const service = await readService({ file: flags.config, stage: flags.stage, params: flags.param, env: world.env });
  const chosen = chooseConnectors(service, name === undefined ? [] : [name]);
  const errors = terminal(world.stderr, world.env);
  const trials: ConnectorTrial[] = [];
  const without: string[] = [];
  let unusable = 0;
  for (const own of chosen) {
    const problems = problemsOf(own);
    if (problems.length > 0) {
      unusable++;
      errors.line(`${formatProblems(service.file, problems)}\n`);
      continue;
    }
    const { settings } = readSettings(own.connector);
    const samples = await samplesOf(service, own, settings);
    if (samples.length === 0) without.push(own.name);
    else trials.push(await tryConnector(flags, service, own, settings, samples, world));
  }
  if (trials.length === 0 && unusable === 0) throw noSamples(chosen);

  const out = terminal(world.stdout, world.env);
  if (flags.json === true) out.line(toJson({ connectors: trials.map(trialJson), withoutSamples: without }));
  else {
    const width = Math.max(...trials.map((trial) => trial.name.length));
    for (const trial of trials) printTrial(trial, width, out);
    if (without.length > 0) out.line(out.style('dim', `  without samples: ${without.join(', ')}`));
  }
  if (unusable > 0) return 2;
  return trials.every(({ failures, changes: changed }) => failures.length === 0 && changed.length === 0) ? 0 : 1;
}

async function tryConnector(
  flags: TestFlags,
  service: Service,
  own: ServiceConnector,
  settings: ConnectorSettings,
  samples: readonly Sample[],
  world: CommandWorld,
): Promise<ConnectorTrial> {
  const { handlerFile, exportName, timeoutSeconds } = own;
  const errors = terminal(world.stderr, world.env);
  const tried = await trySamples(
    { handlerFile, exportName, settings, samples },
    {
      env: { ...world.env, ...own.environment },
      timeoutMs: timeoutSeconds * 1_000,
      signal: world.signal,
      onLine: (line) => errors.line(`  ${errors.style('dim', own.name)}  ${line}`),
    },
  );
  const results = new Map(samples.map(({ name }, index) => [name, tried[index] as SampleResult]));
  const expectedFile = join(service.root, 'test', 'samples', `${own.name}.expected.jsonl`);
  const written = flags.update === true ? await update(expectedFile, toExpectedText(results)) : false;
  const expected = await readIfThere(expectedFile, (text) => readExpected(text, relative(service.root, expectedFile)));
  return {
    name: own.name,
    root: service.root,
    results,
    expectedFile: relative(process.cwd(), expectedFile),
    hasExpected: expected !== undefined,
    written,
    failures: [...results].filter(([sample, result]) => 'failed' in result && !failsAsExpected(sample, result, expected)),
    changes: expected === undefined ? [] : changes(results, expected),
  };
}

/** Those of the connector itself, then those of its topics. */
async function samplesOf({ root }: Service, { name }: ServiceConnector, settings: ConnectorSettings): Promise<Sample[]> {
  const topics = topicsOf(settings);
  const samples: Sample[] = [];
  for (const [file, topic] of new Map([[name, topics[0] ?? name], ...topics.map((each) => [each, each] as const)])) {
    const path = join(root, 'test', 'samples', `${file}.jsonl`);
    samples.push(...((await readIfThere(path, (text) => readSamples(text, relative(root, path), topic))) ?? []));
  }
  const twice = samples.find((sample, index) => samples.findIndex((other) => other.name === sample.name) !== index);
  if (twice === undefined) return samples;
  throw new ConfigError(
    'SAMPLES_INVALID',
    `There are two samples ${twice.name} for ${name}. Remove one, or its origin: samples without one are called by their line.`,
  );
}

async function readIfThere<Content>(file: string, read: (text: string) => Content): Promise<Content | undefined> {
  return existsSync(file) ? read(await readFile(file, 'utf8')) : undefined;
}

/** Answers whether there was something to write. */
async function update(file: string, text: string): Promise<boolean> {
  if ((await readIfThere(file, (before) => before)) === text) return false;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return true;
}

function noSamples(chosen: readonly ServiceConnector[]): ConfigError {
  const [first] = chosen;
  const topic = first === undefined ? undefined : topicsOf(readSettings(first.connector).settings)[0];
  return new ConfigError(
    'NO_SAMPLES',
    `There are no samples in test/samples for ${chosen.map(({ name }) => name).join(', ')}. Capture some: npx sluice sample ${topic ?? 'TOPIC'} --count 20`,
  );
}
