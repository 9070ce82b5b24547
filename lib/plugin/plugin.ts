import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../core/config.ts';
import { ConnectorError } from '../core/errors.ts';
import { isObject } from '../core/field.ts';
import { type PackagedConnector, packageConnector } from '../platforms/lambda/package.ts';
import { type ConnectorPlan, type FunctionInput, functionAdditions, planService, type ServiceInput } from '../platforms/lambda/plan.ts';
import { type PlannedMapping, replacedMappings } from '../platforms/lambda/template/replaced.ts';
import { connectorResources, roleLogicalId } from '../platforms/lambda/template.ts';
import type { PluginUtilities, Serverless } from './serverless.ts';

/** Turns functions with a `connector:` block into deployable ones: bundles, event source mappings, roles and alarms. */
export class SluicePlugin {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  readonly #serverless: Serverless;
  readonly #utilities: PluginUtilities;
  readonly #packaged = new Map<string, PackagedConnector>();
  #plans: readonly ConnectorPlan[] = [];
  readonly #mappings: PlannedMapping[] = [];

  constructor(serverless: Serverless, options: { readonly function?: string }, utilities: PluginUtilities) {
    this.#serverless = serverless;
    this.#utilities = utilities;
    // The framework coerces what it validates and follows no references: it learns that these are objects, the rest is checked here.
    serverless.configSchemaHandler.defineTopLevelProperty('sluice', { type: 'object' });
    serverless.configSchemaHandler.defineFunctionProperties('aws', { properties: { connector: { type: 'object' } } });
    const only = () => this.#plans.filter(({ name }) => name.connector === options.function);
    this.hooks = {
      'before:package:cleanup': async () => this.#plan(),
      'before:package:createDeploymentArtifacts': () => this.#package(this.#plans),
      'after:package:compileEvents': async () => this.#addResources(),
      'before:deploy:deploy': () => this.#refuseReplacements(),
      'before:deploy:function:initialize': async () => this.#plan(),
      'before:deploy:function:packageFunction': () => this.#package(only()),
    };
  }

  /** The only phase in which the framework takes additions to its configuration. Variables such as `param` are not resolved yet. */
  async asyncInit(): Promise<void> {
    const input = this.#input();
    if (input === undefined) return;
    for (const { block, path, name } of input.functions)
      for (const [option, value] of Object.entries(functionAdditions({ ...input, name, block })))
        this.#serverless.extendConfiguration([...path, option], value);
  }

  #plan(): void {
    const input = this.#input();
    if (input === undefined) return;
    const { plans, problems } = planService(input);
    this.#refuse(problems);
    this.#plans = plans;
  }

  #input(): (ServiceInput & { readonly functions: readonly PlacedFunction[] }) | undefined {
    const { configurationInput } = this.#serverless;
    if (configurationInput === null) return undefined;
    const provider = isObject(configurationInput['provider']) ? configurationInput['provider'] : {};
    return {
      service: nameOf(configurationInput['service']),
      stage: this.#serverless.getProvider('aws').getStage(),
      sluice: configurationInput['sluice'],
      provider,
      functions: functionsOf(configurationInput['functions']),
    };
  }

  async #package(plans: readonly ConnectorPlan[]): Promise<void> {
    const progress = this.#utilities.progress?.get('sluice');
    const problems: Problem[] = [];
    await mkdir(join(this.#serverless.serviceDir, '.serverless'), { recursive: true });
    // One is compressed while the next is bundled.
    for (let from = 0; from < plans.length; from += 2) {
      const pair = plans.slice(from, from + 2);
      progress?.update(`Bundling ${pair.map(({ name }) => name.connector).join(' and ')}`);
      problems.push(...(await Promise.all(pair.map((plan) => this.#packageOne(plan)))).flat());
    }
    progress?.remove();
    this.#refuse(problems);
    for (const { warnings } of plans) for (const warning of warnings) this.#utilities.log.warning(warning);
    for (const { costs } of plans) for (const cost of costs) this.#utilities.log.notice(cost);
  }

  async #packageOne(plan: ConnectorPlan): Promise<readonly Problem[]> {
    const { serviceDir, service } = this.#serverless;
    const { connector } = plan.name;
    const packaged = await this.#named(() => packageConnector(plan, serviceDir));
    this.#packaged.set(connector, packaged);
    const archive = join(serviceDir, '.serverless', `${connector}.zip`);
    await writeFile(archive, packaged.archive);
    const own = service.functions[connector];
    if (own !== undefined) {
      own.package = { ...own.package, individually: true, artifact: archive };
      own.environment = { ...own.environment, ...packaged.environment };
    }
    return packaged.problems;
  }

  #addResources(): void {
    const { service } = this.#serverless;
    const template = service.provider.compiledCloudFormationTemplate;
    if (template === undefined) return;
    const { naming } = this.#serverless.getProvider('aws');
    for (const { name, settings, service: shared } of this.#plans) {
      const packaged = this.#packaged.get(name.connector);
      const own = service.functions[name.connector];
      if (packaged === undefined || own === undefined || shared.cluster === undefined) continue;
      const resources = connectorResources({
        ...{ name, settings, cluster: shared.cluster, alarms: shared.alarms, kmsKeys: shared.kmsKeys },
        functionName: own.name,
        functionLogicalId: naming.getLambdaLogicalId(name.connector),
        sinkPermissions: packaged.sinkPermissions,
        secrets: packaged.secrets,
      });
      Object.assign(template.Resources, resources);
      for (const resource of Object.values(resources))
        if (resource.Type === 'AWS::Lambda::EventSourceMapping')
          this.#mappings.push({ connector: name.connector, functionName: own.name, resource });
      // The function's role says so by itself, and template linters object to being told twice.
      const compiled = template.Resources[naming.getLambdaLogicalId(name.connector)];
      if (isObject(compiled) && Array.isArray(compiled['DependsOn']))
        Reflect.set(
          compiled,
          'DependsOn',
          compiled['DependsOn'].filter((dependency) => dependency !== roleLogicalId(name.connector)),
        );
    }
  }

  /** Says beforehand what would fail in the middle of the deployment. */
  async #refuseReplacements(): Promise<void> {
    if (this.#mappings.length === 0) return;
    const { deployedMappings } = await import('../platforms/lambda/deployed-mappings.ts');
    const config = await this.#serverless.getProvider('aws').getAwsSdkV3Config();
    this.#refuse(replacedMappings(this.#mappings, await deployedMappings(config)));
  }

  #refuse(problems: readonly Problem[]): void {
    if (problems.length === 0) return;
    const lines = problems.map(({ path, message }) => `${path}\n${message.replaceAll(/^/gm, '    ')}`);
    throw new this.#serverless.classes.Error(lines.join('\n\n'), 'SLUICE_CONFIGURATION');
  }

  /** Our own errors are for people: the framework shows them without a stack. */
  async #named<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ConnectorError) throw new this.#serverless.classes.Error(error.message, error.code);
      throw error;
    }
  }
}

/** A function with the steps to its block. */
interface PlacedFunction extends FunctionInput {
  readonly path: readonly string[];
}

/** Functions are a map, or a list of maps. */
function functionsOf(functions: unknown): PlacedFunction[] {
  const maps = Array.isArray(functions)
    ? functions.map((map: unknown, index) => ({ map, path: ['functions', String(index)] }))
    : [{ map: functions, path: ['functions'] }];
  return maps.flatMap(({ map, path }) =>
    isObject(map) ? Object.entries(map).flatMap(([name, block]) => (isObject(block) ? [{ name, block, path: [...path, name] }] : [])) : [],
  );
}

function nameOf(service: unknown): string {
  return isObject(service) ? String(service['name']) : String(service);
}
