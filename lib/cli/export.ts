import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { type Problem, readConfig } from '../core/config.ts';
import { triggerGroup } from '../core/consumer-group.ts';
import { ConfigError } from '../core/errors.ts';
import { parseSettings, topicsOf } from '../core/settings.ts';
import { closest } from '../core/suggest.ts';
import { archive, pack } from '../platforms/fc/archive.ts';
import { checkConnector } from '../platforms/fc/check.ts';
import { nodeBinary } from '../platforms/fc/node-binary.ts';
import { type ConnectorFcOptions, optionsFor } from '../platforms/fc/options.ts';
import { type PackagedFunction, packageFunction } from '../platforms/fc/package.ts';
import { checkServiceFile } from '../platforms/fc/service-file.ts';
import { type ExportedConnector, functionName, serviceFile, serviceFileText } from '../platforms/fc/template.ts';
import { type ServiceSettings, serviceSchema } from '../platforms/lambda/service-settings.ts';
import { collisions } from '../platforms/lambda/template/check.ts';
import { readChosen, type ServiceFlags } from './chosen.ts';
import type { CommandWorld } from './dev.ts';
import { environmentOf } from './export-environment.ts';
import { printExport } from './export-report.ts';
import { formatProblems } from './problems.ts';
import type { Service, ServiceConnector } from './service.ts';

export interface ExportFlags extends ServiceFlags {
  readonly out?: string;
}

/** A connector with all that is known of it before its function is looked into. */
interface Plan {
  readonly own: ServiceConnector;
  readonly connector: Omit<ExportedConnector, 'code' | 'entry' | 'environment'>;
}

/** A package larger than this is refused in some regions. */
const maxPackageBytes = 100 * 1024 * 1024;

/** Writes s.yaml and a package for each connector, checked as far as that can be done without the cloud. Throws a ConfigError with whatever would not work there. */
export async function exportFc(flags: ExportFlags, names: readonly string[], world: CommandWorld): Promise<number> {
  const { service, chosen } = await readChosen(flags, names, world);
  const settings = serviceSettings(service);
  const plans = chosen.map((own) => planOf(service, own, settings));
  refuse(service, [
    ...unknownConnectors(service, settings),
    ...plans.flatMap(({ own, connector }) =>
      placed(own, checkConnector({ ...connector, functionName: functionName(connector.name), cluster: settings.cluster })),
    ),
    ...collisions(plans.flatMap(({ own, connector }) => groupsOf(connector).map((group) => ({ connector: own.name, group })))),
  ]);
  const packaged: { readonly plan: Plan; readonly fn: PackagedFunction }[] = [];
  for (const plan of plans) packaged.push({ plan, fn: await packageOf(service, plan) });
  refuse(
    service,
    packaged.flatMap(({ plan: { own }, fn }) => placed(own, fn.problems)),
  );

  const text = await readFile(service.file, 'utf8');
  const connectors = packaged.map(({ plan: { own, connector }, fn }): ExportedConnector => {
    const environment = environmentOf(text, own, fn.secretVariables);
    return { ...connector, code: `./code/${own.name}.zip`, entry: fn.entry, environment };
  });
  const [first] = connectors;
  const file = serviceFile(service.name, first?.options.access ?? 'default', connectors);
  const wrong = checkServiceFile(file);
  if (wrong.length > 0) throw new ConfigError('CONFIG_INVALID', wrong.map(({ path, message }) => `${path}\n    ${message}`).join('\n\n'));

  const out = resolve(service.root, flags.out ?? '.sluice/fc');
  const sizes = await write(out, serviceFileText(file), service.root, packaged);
  const written = connectors.map((connector, index) => ({ ...connector, bytes: sizes[index] ?? 0, groups: groupsOf(connector) }));
  printExport({ out: relative(process.cwd(), out) || '.', connectors: written }, flags.json === true, world);
  return 0;
}

function serviceSettings(service: Service): ServiceSettings & { readonly fc: NonNullable<ServiceSettings['fc']> } {
  const { value, problems } = readConfig(serviceSchema, service.sluice ?? {}, 'sluice');
  refuse(service, problems);
  const { fc } = value;
  if (fc !== undefined) return { ...value, fc };
  throw new ConfigError(
    'CONFIG_INVALID',
    'Expected sluice.fc, to know where to deploy to. Set its region and instanceId, the instance of ApsaraMQ for Kafka.',
  );
}

function unknownConnectors({ connectors }: Service, { fc }: ReturnType<typeof serviceSettings>): Problem[] {
  const known = connectors.map(({ name }) => name);
  return Object.keys(fc.connectors).flatMap((name) => {
    if (known.includes(name)) return [];
    const near = closest(name, known);
    const advice = near === undefined ? `There are ${known.join(', ')}.` : `Did you mean ${near}?`;
    return [{ path: `sluice.fc.connectors.${name}`, message: `There is no connector ${name}. ${advice}` }];
  });
}

function planOf(service: Service, own: ServiceConnector, { fc }: ReturnType<typeof serviceSettings>): Plan {
  const options: ConnectorFcOptions = optionsFor(own.name, fc);
  const name = { service: service.name, stage: service.stage, connector: own.name };
  const { timeoutSeconds, memorySize } = own;
  return { own, connector: { name, settings: parseSettings(own.connector), options, timeoutSeconds, memorySize } };
}

async function packageOf(service: Service, { own, connector }: Plan): Promise<PackagedFunction> {
  const { name, settings, options, timeoutSeconds } = connector;
  return await packageFunction({
    ...{ root: service.root, handlerFile: own.handlerFile, exportName: own.exportName, settings, options },
    written: {
      ...{ service: name.service, stage: name.stage, name: name.connector, connector: own.connector, timeoutSeconds },
      ...(service.cluster === undefined ? {} : { cluster: service.cluster }),
    },
  });
}

async function write(
  out: string,
  text: string,
  root: string,
  packaged: readonly { readonly plan: Plan; readonly fn: PackagedFunction }[],
): Promise<number[]> {
  const node = await pack((await nodeBinary(root)).file);
  const code = join(out, 'code');
  await rm(code, { recursive: true, force: true });
  await mkdir(code, { recursive: true });
  const sizes: number[] = [];
  for (const { plan, fn } of packaged) {
    const contents = archive(fn.files, 'node', node);
    if (contents.length > maxPackageBytes)
      throw new ConfigError(
        'PACKAGE_TOO_LARGE',
        `The package of ${plan.own.name} has ${contents.length} bytes, and Function Compute takes ${maxPackageBytes} in every region. Import less in its function.`,
      );
    await writeFile(join(code, `${plan.own.name}.zip`), contents);
    sizes.push(contents.length);
  }
  await writeFile(join(out, 's.yaml'), text);
  return sizes;
}

function groupsOf({ name, settings }: Pick<ExportedConnector, 'name' | 'settings'>): string[] {
  return topicsOf(settings).map((topic) => triggerGroup(name, settings, topic));
}

/** Paths of a function's block, from the root of the file. */
function placed(own: ServiceConnector, problems: readonly Problem[]): Problem[] {
  const at = `functions.${own.name}`;
  return problems.map(({ path, message }) => ({ path: path.startsWith('sluice.') ? path : path === '' ? at : `${at}.${path}`, message }));
}

function refuse(service: Service, problems: readonly Problem[]): void {
  const unique = problems.filter(
    ({ path, message }, index) => index === problems.findIndex((other) => other.path === path && other.message === message),
  );
  if (unique.length === 0) return;
  const found = unique.map((problem) => ({ ...problem, ...service.locate(problem.path) }));
  throw new ConfigError('CONFIG_INVALID', formatProblems(service.file, found));
}
