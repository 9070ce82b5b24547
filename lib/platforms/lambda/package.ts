import type { Problem } from '../../core/config.ts';
import type { SecretReference } from '../../core/secret.ts';
import { secretPlaces } from '../../core/secret-places.ts';
import { checkSink, connectorSchema, readSettings } from '../../core/settings.ts';
import type { Permission } from '../../core/sink.ts';
import { bundleFunction, withSettings, zip } from './bundle.ts';
import { isIntrinsic, takeDeployedValues, withDeployedValues, withIntrinsics } from './deployed-values.ts';
import { definitionIn } from './function-definition.ts';
import type { FunctionSettings } from './function-settings.ts';
import { findHandlerFile } from './handler-file.ts';
import type { ConnectorPlan } from './plan.ts';
import { serviceSchema } from './service-settings.ts';
import type { Value } from './template/resources.ts';
import type { DeployedPermission } from './template/role.ts';

/** A function ready to be deployed. */
export interface PackagedConnector {
  /** The ZIP archive of its code. */
  readonly archive: Uint8Array;
  /** What its environment has to carry besides what the user wrote: values that only deployment knows. */
  readonly environment: Readonly<Record<string, unknown>>;
  readonly sinkPermissions: readonly DeployedPermission[];
  readonly secrets: readonly SecretReference[];
  readonly problems: readonly Problem[];
}

/** Bundles the function of a connector with its settings, and looks into it for its sink. Throws a ConfigError when it cannot be bundled. */
export async function packageConnector({ name, block, sluice }: ConnectorPlan, root: string): Promise<PackagedConnector> {
  const path = `functions.${name.connector}`;
  const nothing = { archive: new Uint8Array(), environment: {}, sinkPermissions: [], secrets: [] };
  const failed = (...problems: Problem[]): PackagedConnector => ({ ...nothing, problems });
  const { file, exportName, message } = findHandlerFile(root, block['handler']);
  if (message !== undefined) return failed({ path: `${path}.handler`, message });

  const shared = takeDeployedValues(sluice ?? {}, serviceSchema, 'sluice');
  const cluster = Reflect.get(shared.value as object, 'cluster') as unknown;
  const bundle = await bundleFunction({ root, handlerFile: file, external: unusedPackages(cluster) });
  const definition = await definitionIn(bundle, exportName, root);
  if (definition === undefined)
    return failed({
      path: `${path}.handler`,
      message: `${exportName} of ${block['handler']} was not made by connect(). Export the result of connect({ sink, transform }).`,
    });
  const { sink } = definition;
  const schema = { ...connectorSchema, properties: { ...connectorSchema.properties, sink: sink.config } };
  const connector = takeDeployedValues(block['connector'], schema, 'connector');
  const { config, problems } = checkSink(sink, readSettings(connector.value).settings);
  const wrong = [...connector.problems, ...problems].map((problem) => ({ ...problem, path: `${path}.${problem.path}` }));
  const isOption = (node: unknown): boolean => typeof node === 'string' || isIntrinsic(node);
  const secrets = [
    ...secretPlaces(withDeployedValues(connector.value, connector.places, connector.environment), schema, `${path}.connector`, isOption),
    ...secretPlaces(withDeployedValues(shared.value, shared.places, shared.environment), serviceSchema, 'sluice', isOption).filter(
      ({ path: place }) => place.startsWith('sluice.cluster.'),
    ),
  ];
  for (const { path: place, reference } of secrets)
    if ('env' in reference)
      wrong.push({
        path: place,
        message: `A deployed function has no ${reference.env} of its own, and a secret in its environment could be read in the console. Set the option to { ssm: name } or { secretsManager: arn, field } for stage ${name.stage}.`,
      });
  if (wrong.length > 0) return failed(...wrong);

  const places = [
    ...connector.places.map((place) => ({ ...place, path: ['connector', ...place.path] })),
    ...shared.places.filter(({ path: [block, option] }) => block === 'cluster' && option !== 'vpc'),
  ];
  const functionSettings: FunctionSettings = {
    ...{ service: name.service, stage: name.stage, name: name.connector, connector: connector.value },
    ...(cluster === undefined ? {} : { cluster }),
    ...(places.length === 0 ? {} : { deployed: places }),
  };
  return {
    archive: zip(withSettings(bundle, functionSettings).files),
    environment: Object.fromEntries(
      places.map(({ variable }) => [variable, { ...connector.environment, ...shared.environment }[variable]]),
    ),
    sinkPermissions: sink.permissions(config).flatMap((permission) => awsPermission(permission, connector.standIns)),
    secrets: secrets.map(({ reference }) => reference),
    problems: [],
  };
}

/** A permission as it stands in a role: within the deployment's partition, and only what AWS is asked for. */
function awsPermission({ actions, resources }: Permission, standIns: ReadonlyMap<string, Value>): DeployedPermission[] {
  const known = new Map<string, Value>([...standIns, ['arn:*:', { 'Fn::Sub': `arn:\${AWS::Partition}:` }]]);
  const own = resources.filter((resource) => resource === '*' || resource.startsWith('arn:'));
  return own.length === 0 ? [] : [{ actions, resources: own.map((resource) => withIntrinsics(resource, known)) }];
}

/** The signer of MSK IAM brings a client of its own, which nobody needs who signs in otherwise. */
function unusedPackages(cluster: unknown): string[] {
  return JSON.stringify(cluster ?? {}).includes('"msk-iam"') ? [] : ['aws-msk-iam-sasl-signer-js'];
}
