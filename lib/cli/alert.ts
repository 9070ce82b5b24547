import { awsSecretStores, cachedSecrets } from '../clients/secrets.ts';
import { ConfigError, ConnectorError } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import { checkSink, readSettings } from '../core/settings.ts';
import { type Severity, severities } from '../sinks/alert/severity.ts';
import { type Trial, tryChannels } from '../sinks/alert/trial.ts';
import { alert } from '../sinks/alert.ts';
import type { CommandWorld } from './dev.ts';
import { chooseConnectors, formatProblems, problemsOf } from './problems.ts';
import { readService, type ServiceConnector } from './service.ts';
import { tableLines } from './table.ts';
import { terminal } from './terminal.ts';

export interface AlertTestFlags {
  readonly config: string;
  readonly stage?: string;
  readonly param?: Readonly<Record<string, string>>;
  /** Says who is mentioned. */
  readonly severity?: string;
  readonly json?: boolean;
}

const timeoutMs = 60_000;

/**
 * Sends each channel of an alert connector a message that says that it is a test, and prints what became of it. Answers the exit code:
 * 0 when all took it, 1 when one could not be reached, 2 when something has to be set first.
 */
export async function alertTest(
  { severity = 'info', json = false, ...flags }: AlertTestFlags,
  name: string,
  world: CommandWorld,
): Promise<number> {
  if (!isSeverity(severity)) throw new ConfigError('USAGE', `Expected --severity to be ${severities.join(', ')}, got another word.`);
  const out = terminal(world.stdout, world.env);
  const service = await readService({ file: flags.config, stage: flags.stage, params: flags.param, env: world.env });
  const [own] = chooseConnectors(service, [name]);
  if (own === undefined) throw new ConfigError('NO_CONNECTOR', `There is no connector ${name}.`);
  const problems = problemsOf(own);
  if (problems.length > 0) {
    terminal(world.stderr, world.env).line(formatProblems(service.file, problems));
    return 2;
  }
  const { settings } = readSettings(own.connector);
  if (settings.sink.type !== alert.name)
    throw new ConfigError(
      'NO_ALERT',
      `The sink of ${name} is ${settings.sink.type}, which tells nobody. Name a connector with sink type alert.`,
    );
  const { config, problems: wrong } = checkSink(alert, settings);
  if (wrong.length > 0) {
    const placed = wrong.map(({ path, message }) => ({ path: `functions.${name}.${path}`, message, ...own.locate(path) }));
    terminal(world.stderr, world.env).line(formatProblems(service.file, placed));
    return 2;
  }
  const signal = AbortSignal.any([world.signal, AbortSignal.timeout(timeoutMs)]);
  const trials = await tryChannels(config, contextOf(own, world), { severity, signal });
  if (json) for (const trial of trials) out.line(JSON.stringify(facts(name, trial)));
  else {
    out.line(`${name}   a test message, severity ${severity}\n`);
    for (const line of tableLines(
      ['channel', 'type', ''],
      trials.map((trial) => [trial.channel, trial.type, inWords(trial)]),
    ))
      out.line(`  ${line}`);
  }
  if (trials.some(({ outcome }) => outcome instanceof ConfigError)) return 2;
  return trials.every(({ outcome }) => outcome === 'delivered') ? 0 : 1;
}

function contextOf({ name, environment }: ServiceConnector, { env }: CommandWorld) {
  const secrets = cachedSecrets(awsSecretStores({ ...env, ...environment }));
  return { connector: name, secret: secrets.read, log: silentLog, now: Date.now };
}

function isSeverity(text: string): text is Severity {
  return (severities as readonly string[]).includes(text);
}

function inWords({ outcome, isClosed }: Trial): string {
  if (outcome instanceof ConnectorError) return `${outcome.code}  ${outcome.message}`;
  return isClosed ? 'delivered, and closed again' : outcome;
}

function facts(connector: string, { channel, type, outcome, isClosed }: Trial): object {
  const failure = outcome instanceof ConnectorError ? { code: outcome.code, message: outcome.message } : {};
  return { connector, channel, type, outcome: outcome instanceof ConnectorError ? outcome.class : outcome, isClosed, ...failure };
}
