import { ConfigError } from '../core/errors.ts';
import type { Check } from '../platforms/checks.ts';
import { examineDeployed } from '../platforms/lambda/doctor.ts';
import { lookInto } from './check-process.ts';
import { checkLines } from './check-report.ts';
import { readOne, type ServiceFlags } from './chosen.ts';
import { clusterSettings } from './cluster.ts';
import { type Controls, findControls, groupsOf } from './controls.ts';
import type { CommandWorld } from './dev.ts';
import type { Service, ServiceConnector } from './service.ts';
import { counted, terminal } from './terminal.ts';

export interface DoctorFlags extends ServiceFlags {
  /** `lambda`, `worker`, or `here` for this machine. */
  readonly on?: string;
  readonly workers?: readonly string[];
  readonly brokers?: string;
}

type Place = 'lambda' | 'worker' | 'here';

const placeWords: Readonly<Record<Place, string>> = {
  lambda: 'inside the deployed function',
  worker: 'inside its worker',
  here: 'on this machine',
};

/** Looks at everything that a connector needs from where it runs, and says how what failed is mended. Answers the exit code: 0 when all is well, 1 when not. */
export async function doctor(flags: DoctorFlags, name: string, world: CommandWorld): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const { on, ...rest } = flags;
  if (on !== undefined && !(on in placeWords)) throw new ConfigError('USAGE', 'Expected --on to be lambda, worker or here.');
  const { service, own } = await readOne(rest, name, world);
  const controls = await findControls(service, { ...rest, ...(on === undefined || on === 'here' ? {} : { on }) }, world);
  const { place, checks } = await examine(service, own, controls, flags, world);
  const failed = checks.filter(({ state }) => state === 'failed').length;
  if (flags.json === true) out.line(JSON.stringify({ connector: name, place, checks }, null, 2));
  else {
    out.line(`  ${name}   ${placeWords[place]}\n`);
    for (const line of checkLines(checks, out)) out.line(line);
    if (failed > 0) out.line(`\n  ${counted(failed, 'thing')} to mend.`);
  }
  return failed > 0 ? 1 : 0;
}

async function examine(
  service: Service,
  own: ServiceConnector,
  controls: Controls,
  { on, brokers }: DoctorFlags,
  world: CommandWorld,
): Promise<{ readonly place: Place; readonly checks: readonly Check[] }> {
  if (on === 'here') return { place: 'here', checks: await here(service, own, brokers, world) };
  const workers = controls.workersOf(own);
  if (workers !== undefined) return { place: 'worker', checks: await workers.check(world.signal) };
  if (on === 'worker') await controls.of(own); // says that there is none
  try {
    const api = await controls.lambda();
    const isDeployed = on === 'lambda' || (await api.functionNamed(own.functionName)) !== undefined;
    if (isDeployed) return { place: 'lambda', checks: await examineDeployed({ api, functionName: own.functionName, connector: own.name }) };
  } catch (error) {
    if (on === 'lambda' || !(error instanceof ConfigError)) throw error; // nobody is signed in: it is not about AWS then
  }
  return { place: 'here', checks: await here(service, own, brokers, world) };
}

/** From this machine, as a worker that was started now. */
async function here(service: Service, own: ServiceConnector, brokers: string | undefined, world: CommandWorld): Promise<readonly Check[]> {
  const { name, handlerFile, exportName, connector } = own;
  const start = {
    ...{ name, handlerFile, exportName, connector, isLive: true },
    cluster: clusterSettings(service.cluster, brokers),
    groups: groupsOf(service, own, 'worker').map(({ groupId }) => groupId),
  };
  const { problems, checks } = await lookInto(start, {
    env: { ...world.env, ...own.environment },
    cwd: service.root,
    signal: world.signal,
  });
  const wrong = problems.map(
    ({ path, message }): Check => ({
      name: 'settings',
      state: 'failed',
      subject: path,
      detail: message,
      fix: `Correct functions.${name}.${path} in serverless.yml.`,
    }),
  );
  return [...wrong, ...checks];
}
