import { type LambdaApi, lambdaApi } from '../clients/lambda.ts';
import { realClock } from '../compose.ts';
import { triggerGroup, workerGroup } from '../core/consumer-group.ts';
import { ConfigError } from '../core/errors.ts';
import { type ConnectorSettings, readSettings, topicsOf } from '../core/settings.ts';
import type { Control, Platform } from '../platforms/control.ts';
import { lambdaControl } from '../platforms/lambda/control.ts';
import type { ReadingGroup } from '../platforms/offsets.ts';
import { reportAt, type WorkerAddress, type WorkerControl, workerControl } from '../platforms/worker/control.ts';
import { registered } from '../platforms/worker/registry.ts';
import type { CommandWorld } from './dev.ts';
import type { Service, ServiceConnector } from './service.ts';

/** How a command is told where connectors run. */
export interface PlatformFlags {
  /** `lambda` or `worker`; otherwise workers where some run, and Lambda where none do. */
  readonly on?: string;
  /** Control URLs of workers elsewhere. */
  readonly workers?: readonly string[];
}

export interface Controls {
  /** Throws a ConfigError when it does not run where it was said to. */
  of(own: ServiceConnector): Promise<Control>;
  /** The workers that run it; undefined when there are none. */
  workersOf(own: ServiceConnector): WorkerControl | undefined;
  /** AWS Lambda in the service's region. */
  lambda(): Promise<LambdaApi>;
}

/** Finds where the connectors of a service run. Throws a ConfigError for a worker that does not answer as one. */
export async function findControls(service: Service, { on, workers }: PlatformFlags, { env }: CommandWorld): Promise<Controls> {
  const platform = parsePlatform(on);
  const running = workers === undefined ? await localWorkers(service) : await remoteWorkers(workers, env);
  let opening: Promise<LambdaApi> | undefined;
  const lambda = (): Promise<LambdaApi> => {
    opening ??= lambdaApi({ region: env['AWS_REGION'] ?? service.region });
    return opening;
  };
  const workersOf = ({ name }: ServiceConnector): WorkerControl | undefined => {
    const own = running.get(name);
    return own === undefined || platform === 'lambda' ? undefined : workerControl(own);
  };
  return {
    workersOf,
    lambda,
    async of(own) {
      const control = workersOf(own);
      if (control !== undefined) return control;
      if (platform === 'worker' || workers !== undefined)
        throw new ConfigError(
          'NOT_RUNNING',
          `No worker runs ${own.name} ${workers === undefined ? `from ${service.root}` : 'at these addresses'}. Start one with npx sluice run --only ${own.name}, or name others with --workers URL.`,
        );
      return lambdaControl({ api: await lambda(), functionName: own.functionName, connector: own.name, clock: realClock });
    },
  };
}

/** True when AWS could not even be asked: nobody is signed in, or no region is known. */
export function isWithoutAws(error: unknown): boolean {
  return error instanceof ConfigError && (error.code === 'AWS_UNAUTHORIZED' || error.code === 'AWS_NO_REGION');
}

/** The consumer groups of a connector: workers read all topics in one, Lambda has a trigger and a group for each. */
export function groupsOf(service: Service, own: ServiceConnector, platform: Platform): readonly ReadingGroup[] {
  const settings: ConnectorSettings = readSettings(own.connector).settings;
  const name = { service: service.name, stage: service.stage, connector: own.name };
  const topics = topicsOf(settings);
  if (platform === 'worker') return [{ groupId: workerGroup(name, settings), topics }];
  return topics.map((topic) => ({ groupId: triggerGroup(name, settings, topic), topics: [topic] }));
}

function parsePlatform(on: string | undefined): Platform | undefined {
  if (on === undefined || on === 'lambda' || on === 'worker') return on;
  throw new ConfigError('USAGE', 'Expected --on to be lambda or worker.');
}

async function localWorkers({ root, name, stage }: Service): Promise<ReadonlyMap<string, readonly WorkerAddress[]>> {
  const own = (await registered(root)).filter((each) => each.service === name && each.stage === stage);
  return Map.groupBy(own, ({ connector }) => connector);
}

async function remoteWorkers(urls: readonly string[], env: CommandWorld['env']): Promise<ReadonlyMap<string, readonly WorkerAddress[]>> {
  const token = env['SLUICE_CONTROL_TOKEN'] ?? '';
  const wrong = urls.find((url) => !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol));
  if (wrong !== undefined) throw new ConfigError('USAGE', 'Expected --workers to be the URL of a worker, e.g. http://10.0.0.7:9400.');
  if (token === '')
    throw new ConfigError(
      'USAGE',
      'Workers elsewhere want their token. Set SLUICE_CONTROL_TOKEN to the one that sluice run was started with there.',
    );
  const found = await Promise.all(
    urls.map(async (url) => ({ connector: (await reportAt({ url, token })).connector, address: { url, token } })),
  );
  return new Map(
    [...Map.groupBy(found, ({ connector }) => connector)].map(([connector, own]) => [connector, own.map(({ address }) => address)]),
  );
}
