import type { Problem } from '../../core/config.ts';
import type { SecretReference } from '../../core/secret.ts';
import { checkSink, connectorSchema } from '../../core/settings.ts';
import type { Permission } from '../../core/sink.ts';
import { bundleFunction, zip } from './bundle.ts';
import { takeDeployedValues } from './deployed-values.ts';
import { definitionIn, secretReferences } from './function-definition.ts';
import type { FunctionSettings } from './function-settings.ts';
import { findHandlerFile } from './handler-file.ts';
import type { ConnectorPlan } from './plan.ts';
import { serviceSchema } from './service-settings.ts';

/** A function ready to be deployed. */
export interface PackagedConnector {
  /** The ZIP archive of its code. */
  readonly archive: Uint8Array;
  /** What its environment has to carry besides what the user wrote: values that only deployment knows. */
  readonly environment: Readonly<Record<string, unknown>>;
  readonly sinkPermissions: readonly Permission[];
  readonly secrets: readonly SecretReference[];
  readonly problems: readonly Problem[];
}

/** Bundles the function of a connector with its settings, and looks into it for its sink. Throws a ConfigError when it cannot be bundled. */
export async function packageConnector({ name, block, sluice, settings }: ConnectorPlan, root: string): Promise<PackagedConnector> {
  const path = `functions.${name.connector}`;
  const nothing = { archive: new Uint8Array(), environment: {}, sinkPermissions: [], secrets: [] };
  const failed = (...problems: Problem[]): PackagedConnector => ({ ...nothing, problems });
  const { file, exportName, message } = findHandlerFile(root, block['handler']);
  if (message !== undefined) return failed({ path: `${path}.handler`, message });

  const definition = await definitionIn(await bundleFunction({ root, handlerFile: file, sourcemap: false }), exportName, root);
  if (definition === undefined)
    return failed({
      path: `${path}.handler`,
      message: `${exportName} of ${block['handler']} was not made by connect(). Export the result of connect({ sink, transform }).`,
    });
  const { sink } = definition;
  const schema = { ...connectorSchema, properties: { ...connectorSchema.properties, sink: sink.config } };
  const connector = takeDeployedValues(block['connector'], schema, 'connector');
  const shared = takeDeployedValues(sluice ?? {}, serviceSchema, 'sluice');
  const cluster = Reflect.get(shared.value as object, 'cluster') as unknown;
  const { config, problems } = checkSink(sink, settings);
  const wrong = [...connector.problems, ...problems].map((problem) => ({ ...problem, path: `${path}.${problem.path}` }));
  const secrets = secretReferences([connector.value, cluster]);
  const provided = { ...(block['environment'] as Readonly<Record<string, unknown>> | undefined) };
  for (const secret of secrets)
    if ('env' in secret && provided[secret.env] === undefined)
      wrong.push({
        path: `${path}.environment`,
        message: `Nothing gives ${secret.env} to the deployed function, and a secret in its environment could be read in the console. Set the option to { ssm: name } or { secretsManager: arn, field } for this stage.`,
      });
  if (wrong.length > 0) return failed(...wrong);

  const places = [
    ...connector.places.map((place) => ({ ...place, path: ['connector', ...place.path] })),
    ...shared.places.filter(({ path: steps }) => steps[0] === 'cluster'),
  ];
  const functionSettings: FunctionSettings = {
    ...{ service: name.service, stage: name.stage, name: name.connector, connector: connector.value },
    ...(cluster === undefined ? {} : { cluster }),
    ...(places.length === 0 ? {} : { deployed: places }),
  };
  const { files } = await bundleFunction({ root, handlerFile: file, settings: functionSettings, external: unusedPackages(cluster) });
  return {
    archive: zip(files),
    environment: Object.fromEntries(
      places.map(({ variable }) => [variable, { ...connector.environment, ...shared.environment }[variable]]),
    ),
    sinkPermissions: sink.permissions(config),
    secrets,
    problems: [],
  };
}

/** The signer of MSK IAM brings a client of its own, which nobody needs who signs in otherwise. */
function unusedPackages(cluster: unknown): string[] {
  return JSON.stringify(cluster ?? {}).includes('"msk-iam"') ? [] : ['aws-msk-iam-sasl-signer-js'];
}
