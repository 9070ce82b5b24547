import { type ConnectorDefinition, openConnector, realClock } from '../compose.ts';
import type { Problem } from '../core/config.ts';
import { ConfigError, errorName } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import { type ConnectorSettings, checkSink, connectorSchema, readSettings } from '../core/settings.ts';
import { checkConnector } from '../platforms/checks.ts';
import { takeDeployedValues } from '../platforms/lambda/deployed-values.ts';
import type { CheckResult, CheckStart } from './check-messages.ts';
import { loadDefinition } from './load-definition.ts';

// A process of its own: functions print, hang and end as they like while they are loaded.

const liveMs = 25_000;

async function look({ handlerFile, exportName, connector, isLive, ...start }: CheckStart): Promise<CheckResult> {
  let definition: ConnectorDefinition;
  try {
    definition = await loadDefinition(handlerFile, exportName);
  } catch (error) {
    return { problems: [{ path: 'handler', message: messageOf(error) }], checks: [] };
  }
  const { sink } = definition;
  const schema = { ...connectorSchema, properties: { ...connectorSchema.properties, sink: sink.config } };
  const taken = takeDeployedValues(connector, schema, 'connector');
  const { settings } = readSettings(taken.value);
  const wrong = [...taken.problems, ...checkSink(sink, settings).problems];
  const problems = wrong.length > 0 ? wrong : await openingProblems(definition, settings, start);
  if (!isLive || problems.length > 0) return { problems, checks: [] };
  const { name, cluster, groups } = start;
  const checks = await checkConnector({
    connector: name,
    sink,
    settings,
    cluster,
    groups,
    env: process.env,
    signal: AbortSignal.timeout(liveMs),
  });
  return { problems, checks };
}

/** Formats and transforms say what is wrong with their options when they are put together. */
async function openingProblems(
  definition: ConnectorDefinition,
  settings: ConnectorSettings,
  { name, cluster }: Pick<CheckStart, 'name' | 'cluster'>,
): Promise<readonly Problem[]> {
  try {
    const environment = { env: process.env, clock: realClock, log: silentLog, reportBatch: () => undefined };
    const connector = await openConnector(definition, { name, settings, cluster, environment });
    await connector.close();
    return [];
  } catch (error) {
    const message = messageOf(error);
    const path = /\bconnector(?:\.[\w-]+|\[\d+\])+/.exec(message)?.[0] ?? 'connector';
    return [{ path, message }];
  }
}

function messageOf(error: unknown): string {
  return error instanceof ConfigError ? error.message : `It failed in a way that was not foreseen: ${errorName(error)}`;
}

process.once('message', async (start) => {
  const result = await look(start as CheckStart);
  process.send?.(result, undefined, undefined, () => process.exit(0));
});
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
