import { realClock } from '../compose.ts';
import { workerGroup } from '../core/consumer-group.ts';
import { readSettings } from '../core/settings.ts';
import { clusterSettings } from './cluster.ts';
import { keepRunning, type ProcessEnd } from './connector-process.ts';
import type { CommandWorld } from './dev.ts';
import { chooseConnectors, formatProblems, problemsOf } from './problems.ts';
import type { ConnectorMessage, ConnectorStart } from './run-messages.ts';
import { humanReport, jsonReport } from './run-report.ts';
import { readService, type Service, type ServiceConnector } from './service.ts';
import { terminal } from './terminal.ts';

export interface RunFlags {
  readonly config: string;
  readonly stage?: string;
  readonly param?: Readonly<Record<string, string>>;
  readonly only?: readonly string[];
  readonly brokers?: string;
  readonly untilCaughtUp?: boolean;
  /** With --until-caught-up: how many seconds without any progress are too many. */
  readonly patience?: number;
  /** The first connector's; each further one gets the next. */
  readonly metricsPort?: number;
  /** Where metrics and control are served; the loopback interface when not given. */
  readonly metricsHost?: string;
  readonly json?: boolean;
}

export interface RunWorld extends CommandWorld {
  /** Hears what the connectors say, e.g. to draw their progress; then nothing is printed for it. */
  readonly heard?: (connector: string, message: ConnectorMessage) => void;
}

const defaultPatienceSeconds = 60;

/**
 * Runs connectors as members of their consumer groups, each in a process of its own, until they are asked to stop or have caught up.
 * Answers the exit code: 0 when that worked, 1 when records are left that could not be delivered, 2 when something has to be set first.
 */
export async function run(flags: RunFlags, world: RunWorld): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const service = await readService({ file: flags.config, stage: flags.stage, params: flags.param, env: world.env });
  const chosen = chooseConnectors(service, flags.only ?? []);
  const width = Math.max(...chosen.map(({ name }) => name.length));
  const usable = chosen.filter((own) => {
    const problems = problemsOf(own);
    if (problems.length > 0) terminal(world.stderr, world.env).line(`${formatProblems(service.file, problems)}\n`);
    return problems.length === 0;
  });
  const ends = await Promise.all(
    usable.map(async (own, index): Promise<ProcessEnd> => {
      const report = flags.json === true ? jsonReport(out, own.name, realClock.now) : humanReport(out, own.name, width);
      const { heard } = world;
      return await keepRunning({
        start: startOf(service, own, flags, index),
        env: { ...world.env, ...own.environment },
        cwd: service.root,
        signal: world.signal,
        clock: realClock,
        ...report,
        heard: heard === undefined ? report.heard : (message) => heard(own.name, message),
      });
    }),
  );
  if (usable.length < chosen.length || ends.includes('unusable')) return 2;
  return ends.some((end) => end === 'stuck' || end === 'crashed') ? 1 : 0;
}

function startOf(service: Service, own: ServiceConnector, flags: RunFlags, index: number): ConnectorStart {
  const { metricsPort, patience = defaultPatienceSeconds } = flags;
  return {
    name: own.name,
    service: service.name,
    stage: service.stage,
    handlerFile: own.handlerFile,
    exportName: own.exportName,
    connector: own.connector,
    cluster: clusterSettings(service.cluster, flags.brokers),
    groupId: workerGroup({ service: service.name, stage: service.stage, connector: own.name }, readSettings(own.connector).settings),
    batchTimeoutMs: own.timeoutSeconds * 1_000,
    ...(flags.untilCaughtUp === true ? { untilCaughtUp: { patienceMs: patience * 1_000 } } : {}),
    ...(metricsPort === undefined ? {} : { metricsPort: metricsPort === 0 ? 0 : metricsPort + index }),
    ...(flags.metricsHost === undefined ? {} : { metricsHost: flags.metricsHost }),
  };
}
