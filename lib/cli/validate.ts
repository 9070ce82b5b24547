import { type Problem, readConfig } from '../core/config.ts';
import { connectorSchema, readSettings } from '../core/settings.ts';
import type { Check } from '../platforms/checks.ts';
import { takeDeployedValues } from '../platforms/lambda/deployed-values.ts';
import { serviceSchema } from '../platforms/lambda/service-settings.ts';
import { checkTrigger, collisions } from '../platforms/lambda/template/check.ts';
import { lookInto } from './check-process.ts';
import { checkLines } from './check-report.ts';
import type { ServiceFlags } from './chosen.ts';
import { clusterSettings } from './cluster.ts';
import { groupsOf } from './controls.ts';
import type { CommandWorld } from './dev.ts';
import { chooseConnectors, formatProblems } from './problems.ts';
import { readService, type Service, type ServiceConnector, type ServiceProblem } from './service.ts';
import { count, counted, type Terminal, terminal } from './terminal.ts';

export interface ValidateFlags extends ServiceFlags {
  readonly live?: boolean;
  readonly brokers?: string;
}

interface Validated {
  readonly connector: string;
  readonly problems: readonly ServiceProblem[];
  readonly checks: readonly Check[];
}

/** Functions that are loaded at the same time. */
const concurrency = 4;

/**
 * Checks connectors of serverless.yml as deployment would, and with --live what they need as well. Answers the exit code: 0 when nothing is
 * wrong, 1 when something they need fails, 2 when something has to be written differently.
 */
export async function validate(flags: ValidateFlags, names: readonly string[], world: CommandWorld): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const service = await readService({ file: flags.config, stage: flags.stage, params: flags.param, env: world.env });
  const chosen = chooseConnectors(service, names);
  const shared = sharedProblems(service, chosen);
  const results = await pooled(chosen, (own) => validated(service, own, flags, world));
  const problems = unique([...shared, ...results.flatMap((result) => result.problems)]).toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const failed = results.flatMap(({ checks }) => checks.filter(({ state }) => state === 'failed'));
  if (flags.json === true) out.line(JSON.stringify({ file: service.file, stage: service.stage, problems, connectors: results }, null, 2));
  else print(service, results, problems, failed.length, out);
  if (problems.length > 0) return 2;
  return failed.length > 0 ? 1 : 0;
}

async function validated(
  service: Service,
  own: ServiceConnector,
  { live = false, brokers }: ValidateFlags,
  world: CommandWorld,
): Promise<Validated> {
  const { name, handlerFile, exportName, connector } = own;
  const nothing = { connector: name, checks: [] };
  if (own.problems.length > 0) return { ...nothing, problems: own.problems };
  const taken = takeDeployedValues(connector, connectorSchema, 'connector');
  const { settings, problems } = readSettings(taken.value);
  // Which options of the sink may be known at deployment only, its own definition says.
  const wrong = [...problems, ...taken.problems.filter(({ path }) => !path.startsWith('connector.sink.'))];
  if (problems.length === 0)
    wrong.push(
      ...checkTrigger({ settings, registry: Reflect.get(Object(service.sluice), 'registry'), timeoutSeconds: own.timeoutSeconds }),
    );
  if (problems.length > 0) return { ...nothing, problems: wrong.map((problem) => placed(own, problem)) };
  const start = {
    ...{ name, handlerFile, exportName, connector, isLive: live },
    cluster: clusterSettings(service.cluster, brokers),
    groups: groupsOf(service, { ...own, connector: taken.value }, 'lambda').map(({ groupId }) => groupId),
  };
  const found = await lookInto(start, { env: { ...world.env, ...own.environment }, cwd: service.root, signal: world.signal });
  return { connector: name, problems: [...wrong, ...found.problems].map((problem) => placed(own, problem)), checks: found.checks };
}

/** What the `sluice:` block gets wrong, and what connectors would fight over. */
function sharedProblems(service: Service, chosen: readonly ServiceConnector[]): ServiceProblem[] {
  const taken = takeDeployedValues(service.sluice ?? {}, serviceSchema, 'sluice');
  const problems = [...taken.problems, ...readConfig(serviceSchema, taken.value, 'sluice').problems];
  const readable = chosen.filter((own) => own.problems.length === 0 && readSettings(own.connector).problems.length === 0);
  const groups = readable.flatMap((own) => groupsOf(service, own, 'lambda').map(({ groupId: group }) => ({ connector: own.name, group })));
  return [...(service.problems.length > 0 ? [] : problems), ...collisions(groups)].map((problem) => ({
    ...problem,
    ...service.locate(problem.path),
  }));
}

function placed({ name, locate }: ServiceConnector, { path, message }: Problem): ServiceProblem {
  const at = path.startsWith('sluice.') ? undefined : locate(path);
  return { path: path.startsWith('sluice.') ? path : `functions.${name}.${path}`, message, ...at };
}

function print(service: Service, results: readonly Validated[], problems: readonly ServiceProblem[], failed: number, out: Terminal): void {
  if (problems.length > 0) {
    out.line(formatProblems(service.file, problems));
    out.line();
  }
  for (const { connector, checks } of results.filter((result) => result.checks.length > 0)) {
    out.line(`  ${out.style('bold', connector)}`);
    for (const line of checkLines(checks, out)) out.line(line);
    out.line();
  }
  const all = counted(results.length, 'connector');
  const bad = results.filter(({ connector }) => problems.some(({ path }) => path.startsWith(`functions.${connector}.`))).length;
  if (problems.length === 0) out.line(`${all}, nothing wrong with ${results.length === 1 ? 'its' : 'their'} settings`);
  else out.line(`${counted(problems.length, 'problem')}${bad === 0 ? '' : ` in ${count(bad)} of ${all}`}`);
  if (failed > 0) out.line(`${counted(failed, 'thing')} to mend in what they need`);
}

/** What all share is a problem of each. */
function unique(problems: readonly ServiceProblem[]): ServiceProblem[] {
  return problems.filter(
    ({ path, message }, index) => index === problems.findIndex((other) => other.path === path && other.message === message),
  );
}

async function pooled<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const queue = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return results;
}
