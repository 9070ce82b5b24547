import { mkdir, writeFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clusterSchema } from '../../clients/kafka/cluster-config.ts';
import type { Problem } from '../../core/config.ts';
import type { SecretReference } from '../../core/secret.ts';
import { secretPlaces } from '../../core/secret-places.ts';
import { type ConnectorSettings, checkSink, connectorSchema } from '../../core/settings.ts';
import { type BundledFile, bundleFunction, withSettings } from '../lambda/bundle.ts';
import { definitionIn } from '../lambda/function-definition.ts';
import { producesToKafka } from '../lambda/plan.ts';
import { checkFunctionContent } from './check.ts';
import type { FcSettings } from './function.ts';
import type { ConnectorFcOptions } from './options.ts';

export interface PackagedFunction {
  readonly files: readonly BundledFile[];
  /** The module that starts the function. */
  readonly entry: string;
  /** Variables that the deploy tool has to find in its environment. */
  readonly secretVariables: readonly string[];
  readonly problems: readonly Problem[];
}

export interface FunctionSource {
  /** The folder of the service. */
  readonly root: string;
  readonly handlerFile: string;
  readonly exportName: string;
  /** The settings as they are written, their variables resolved, and as they were read. */
  readonly written: FcSettings;
  readonly settings: ConnectorSettings;
  readonly options: ConnectorFcOptions;
}

const extension = extname(import.meta.url);
const starter = fileURLToPath(new URL(`../../serve${extension}`, import.meta.url));
const entry = 'start.mjs';

/** Bundles a function with its settings and what starts it, and looks into it for its sink. Throws a ConfigError when it cannot be bundled. */
export async function packageFunction({
  root,
  handlerFile,
  exportName,
  written,
  settings,
  options,
}: FunctionSource): Promise<PackagedFunction> {
  const failed = (...problems: Problem[]): PackagedFunction => ({ files: [], entry, secretVariables: [], problems });
  const folder = join(root, '.sluice/entries');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${written.name}.js`);
  await writeFile(file, entryModule(folder, handlerFile));
  const bundle = await bundleFunction({ root: folder, handlerFile: file, external: ['aws-msk-iam-sasl-signer-js'] });
  const definition = await definitionIn(bundle, exportName, folder);
  if (definition === undefined)
    return failed({
      path: 'handler',
      message: `${exportName} of the function was not made by connect(). Export the result of connect({ sink, transform }).`,
    });
  const { config, problems } = checkSink(definition.sink, settings);
  if (problems.length > 0) return failed(...problems);

  const { cluster, ...own } = written;
  const told: FcSettings = producesToKafka(settings) ? written : own;
  const schema = { ...connectorSchema, properties: { ...connectorSchema.properties, sink: definition.sink.config } };
  const places = [...secretPlaces(told.connector, schema, 'connector'), ...secretPlaces(told.cluster, clusterSchema, 'sluice.cluster')];
  const secrets: readonly SecretReference[] = places.map(({ reference }) => reference);
  const wrong = checkFunctionContent({ options }, definition.sink.guarantees(config), secrets);
  if (wrong.length > 0) return failed(...wrong);
  const { files } = withSettings(bundle, told);
  return {
    files: [...files, { path: entry, contents: Buffer.from(startModule(bundle.entry, exportName)) }],
    entry,
    secretVariables: [...new Set(secrets.flatMap((reference) => ('env' in reference ? [reference.env] : [])))].sort(),
    problems: [],
  };
}

/** The function's own exports, unchanged, and what starts them. */
function entryModule(folder: string, handlerFile: string): string {
  const specifier = (file: string): string => JSON.stringify(relative(folder, file).split(sep).join('/'));
  return `export * from ${specifier(handlerFile)};\nexport { serve as sluiceServe } from ${specifier(starter)};\n`;
}

function startModule(bundle: string, exportName: string): string {
  return `import * as bundle from ${JSON.stringify(`./${bundle}`)};\nawait bundle.sluiceServe(bundle[${JSON.stringify(exportName)}]);\n`;
}
