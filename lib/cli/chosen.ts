import { ConfigError } from '../core/errors.ts';
import type { CommandWorld } from './dev.ts';
import { chooseConnectors, formatProblems, problemsOf } from './problems.ts';
import { readService, type Service, type ServiceConnector } from './service.ts';

/** Options that say which service is meant. */
export interface ServiceFlags {
  readonly config: string;
  readonly stage?: string;
  readonly param?: Readonly<Record<string, string>>;
  readonly json?: boolean;
}

/** The service and its connectors of these names, or all. Throws a ConfigError with what serverless.yml gets wrong about them. */
export async function readChosen(
  flags: ServiceFlags,
  names: readonly string[],
  world: CommandWorld,
): Promise<{ readonly service: Service; readonly chosen: readonly ServiceConnector[] }> {
  const service = await readService({ file: flags.config, stage: flags.stage, params: flags.param, env: world.env });
  const chosen = chooseConnectors(service, names);
  const problems = chosen.flatMap((own) => problemsOf(own));
  if (problems.length > 0) throw new ConfigError('CONFIG_INVALID', formatProblems(service.file, problems));
  return { service, chosen };
}

/** The one connector of that name. */
export async function readOne(
  flags: ServiceFlags,
  name: string,
  world: CommandWorld,
): Promise<{ readonly service: Service; readonly own: ServiceConnector }> {
  const { service, chosen } = await readChosen(flags, [name], world);
  const [own] = chosen;
  if (own === undefined) throw new ConfigError('NO_CONNECTOR', `There is no connector ${name}.`);
  return { service, own };
}
