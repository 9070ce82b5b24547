import { type Problem, readConfig } from '../../core/config.ts';
import { type ConnectorName, triggerGroup } from '../../core/consumer-group.ts';
import { isObject } from '../../core/field.ts';
import { type ConnectorSettings, connectorSchema, readSettings, topicsOf } from '../../core/settings.ts';
import { takeDeployedValues, withDeployedValues } from './deployed-values.ts';
import { type ServiceSettings, serviceSchema } from './service-settings.ts';
import { checkDeployment, collisions } from './template/check.ts';
import { connectorTags, roleLogicalId } from './template.ts';

/** The service as serverless.yml has it, its variables resolved. */
export interface ServiceInput {
  readonly service: string;
  readonly stage: string;
  /** The `sluice:` block. */
  readonly sluice: unknown;
  /** The `provider:` block. */
  readonly provider: Readonly<Record<string, unknown>>;
  readonly functions: readonly FunctionInput[];
}

export interface FunctionInput {
  readonly name: string;
  readonly block: Readonly<Record<string, unknown>>;
}

/** What is known of a connector before its function is looked into. */
export interface ConnectorPlan {
  readonly name: ConnectorName;
  /** The function's block and the service's, as they were written. */
  readonly block: Readonly<Record<string, unknown>>;
  readonly sluice: unknown;
  /** Checked, for the template: options that only deployment knows hold intrinsic functions. */
  readonly settings: ConnectorSettings;
  readonly service: ServiceSettings;
  readonly warnings: readonly string[];
  /** What it costs even when no record comes. */
  readonly costs: readonly string[];
}

/** Seconds a function may take when nobody says. */
const defaultTimeoutSeconds = 120;
const defaultMemoryMb = 1024;

/** Reads every connector of a service and what they share; lists whatever would not work once it is deployed. */
export function planService({ service, stage, sluice, provider, functions }: ServiceInput): {
  readonly plans: readonly ConnectorPlan[];
  readonly problems: readonly Problem[];
} {
  const shared = takeDeployedValues(sluice ?? {}, serviceSchema, 'sluice');
  const { value: readService, problems: serviceProblems } = readConfig(serviceSchema, shared.value, 'sluice');
  const serviceSettings = withDeployedValues(readService, shared.places, shared.environment);
  const connectors = functions.filter(({ block }) => Object.hasOwn(block, 'connector'));
  if (connectors.length === 0) return { plans: [], problems: [] };
  const problems: Problem[] = [...shared.problems, ...serviceProblems];
  const plans: ConnectorPlan[] = [];
  for (const { name: connector, block } of connectors) {
    const at = (problem: Problem): Problem => ({
      ...problem,
      path: problem.path.startsWith('sluice.') ? problem.path : `functions.${connector}.${problem.path}`,
    });
    const taken = takeDeployedValues(block['connector'], connectorSchema, 'connector');
    const { settings: readOwn, problems: own } = readSettings(taken.value);
    // What the sink's own options allow is known once the function is bundled.
    problems.push(...[...own, ...taken.problems.filter(({ path }) => !path.startsWith('connector.sink.'))].map(at));
    if (own.length > 0) continue;
    const settings = withDeployedValues(readOwn, taken.places, taken.environment);
    const timeoutSeconds = Number(block['timeout'] ?? provider['timeout'] ?? defaultTimeoutSeconds);
    const { cluster, registry } = serviceSettings;
    if (serviceProblems.length === 0) problems.push(...checkDeployment({ settings, cluster, registry, timeoutSeconds }).map(at));
    const name = { service, stage, connector };
    plans.push({
      name,
      block,
      sluice,
      settings,
      service: serviceSettings,
      warnings: warningsOf(name, settings, serviceSettings),
      costs: costsOf(name, settings),
    });
  }
  const groups = plans.flatMap(({ name, settings }) =>
    topicsOf(settings).map((topic) => ({ connector: name.connector, group: triggerGroup(name, settings, topic) })),
  );
  return { plans, problems: unique([...problems, ...collisions(groups)]) };
}

/** Whether the function itself speaks to the service's Kafka, e.g. for dead letters. Takes settings as they are written, too. */
export function producesToKafka({ sink, onError }: { readonly sink?: unknown; readonly onError?: unknown }): boolean {
  if (isObject(onError) && onError['deadLetterTopic'] !== undefined) return true;
  return isObject(sink) && sink['type'] === 'kafka-topic' && sink['cluster'] === undefined;
}

/** What the block of a connector's function gets, where the user has not set it. Values may still be variables of serverless.yml. */
export function functionAdditions({
  service,
  stage,
  sluice,
  provider,
  name,
  block,
}: Omit<ServiceInput, 'functions'> & FunctionInput): Readonly<Record<string, unknown>> {
  const connector = block['connector'];
  if (!isObject(connector)) return {};
  const cluster = isObject(sluice) && isObject(sluice['cluster']) ? sluice['cluster'] : {};
  const vpc = isObject(cluster['vpc']) ? cluster['vpc'] : undefined;
  const isSet = (option: string): boolean => block[option] !== undefined || provider[option] !== undefined;
  return {
    ...(isSet('timeout') ? {} : { timeout: defaultTimeoutSeconds }),
    ...(isSet('memorySize') ? {} : { memorySize: defaultMemoryMb }),
    ...(block['role'] === undefined ? { role: roleLogicalId(name) } : {}),
    tags: { ...(isObject(block['tags']) ? block['tags'] : {}), ...connectorTags({ service, stage, connector: name }) },
    // The pollers' network is not the function's: whoever produces to Kafka has to reach the brokers itself.
    ...(vpc !== undefined && !isSet('vpc') && producesToKafka(connector)
      ? { vpc: { subnetIds: vpc['subnets'], securityGroupIds: vpc['securityGroups'] } }
      : {}),
  };
}

function warningsOf({ connector }: ConnectorName, settings: ConnectorSettings, { cluster }: ServiceSettings): string[] {
  const warnings: string[] = [];
  const text = JSON.stringify([settings, cluster]);
  const stores = [
    ...(text.includes('"ssm":') ? ['Systems Manager'] : []),
    ...(text.includes('"secretsManager":') ? ['Secrets Manager'] : []),
  ];
  if (cluster?.vpc !== undefined && producesToKafka(settings)) {
    const secrets = stores.length === 0 ? '' : ` For ${stores.join(' and ')} it needs a VPC endpoint or NAT.`;
    warnings.push(`${connector} runs in the cluster's subnets, as it writes to Kafka itself.${secrets} A public target needs NAT.`);
  }
  return warnings;
}

/** Source of the figures: the AWS Lambda developer guide, "Apache Kafka event poller scaling modes". */
function costsOf({ connector }: ConnectorName, settings: ConnectorSettings): string[] {
  const { pollers } = settings.trigger;
  if (pollers === undefined) return [];
  const topics = topicsOf(settings).length;
  const [least, most] = [pollers.minimum * topics, pollers.maximum * topics];
  const shared = pollers.group === undefined ? '' : `, sharing event poller units with the group ${pollers.group}`;
  return [
    `Standing cost of ${connector}: ${least} ${least === 1 ? 'event poller' : 'event pollers'} at all times, up to ${most} under load${shared}. AWS bills event poller units by the hour, also while no records come: https://aws.amazon.com/lambda/pricing/. One poller takes up to 5 MB/s or 5 batches at a time.`,
  ];
}

function unique(problems: readonly Problem[]): Problem[] {
  return problems.filter(
    ({ path, message }, index) => index === problems.findIndex((other) => other.path === path && other.message === message),
  );
}
