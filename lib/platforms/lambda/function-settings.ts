import { ConfigError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { acknowledgeMode, type ConnectorSettings, parseSettings } from '../../core/settings.ts';
import type { AcknowledgeMode } from '../../core/settle.ts';
import { closest } from '../../core/suggest.ts';
import { type DeployedPlace, withDeployedValues } from './deployed-values.ts';

/** What a bundle carries for its function. `connector` and `cluster` are as serverless.yml has them, variables resolved. */
export interface FunctionSettings {
  readonly service: string;
  readonly stage: string;
  readonly name: string;
  readonly connector: unknown;
  readonly cluster?: unknown;
  /** Options whose values the environment carries, as only deployment knew them. Their paths begin with connector or cluster. */
  readonly deployed?: readonly DeployedPlace[];
}

/** Checked, with the override of the environment. */
export interface ReadFunctionSettings extends FunctionSettings {
  readonly settings: ConnectorSettings;
  /** The same rule made the event source mapping: if the two disagreed, records would be lost in silence. */
  readonly mode: AcknowledgeMode;
}

/** Where a bundle, or `sluice dev`, puts the settings before it loads the function. */
export const settingsKey = Symbol.for('sluice.settings');
/** The environment variable whose JSON is laid over the settings; it changes a function without a new bundle. */
const overrideVariable = 'SLUICE_OVERRIDE';
const overridable = ['connector', 'cluster'];

/** Reads what was put at `settingsKey`. Throws a ConfigError that says what to set. */
export function readFunctionSettings(given: unknown, env: Readonly<Record<string, string | undefined>>): ReadFunctionSettings {
  if (!isFunctionSettings(given)) {
    throw new ConfigError(
      'NOT_CONFIGURED',
      'The function has no settings. Deploy it with the sluice plugin in serverless.yml, or run it with `npx sluice dev`: both read its connector block and hand it over.',
    );
  }
  const whole = { connector: given.connector, cluster: given.cluster };
  const known = withDeployedValues(whole, given.deployed ?? [], env) as typeof whole;
  const { connector, cluster } = withOverride({ ...given, ...known }, env[overrideVariable]);
  const settings = parseSettings(connector);
  return { ...given, connector, settings, mode: acknowledgeMode(settings), ...(cluster === undefined ? {} : { cluster }) };
}

/** Whose settings they are, however wrong they may be otherwise; undefined when they do not even say that. */
export function namesOf(given: unknown): Pick<FunctionSettings, 'service' | 'stage' | 'name'> | undefined {
  return isFunctionSettings(given) ? given : undefined;
}

function isFunctionSettings(given: unknown): given is FunctionSettings {
  return isObject(given) && ['service', 'stage', 'name'].every((name) => typeof given[name] === 'string') && isObject(given['connector']);
}

function withOverride({ connector, cluster }: FunctionSettings, text: string | undefined): Pick<FunctionSettings, 'connector' | 'cluster'> {
  if (text === undefined || text === '') return { connector, cluster };
  const override = parseOverride(text);
  for (const name of Object.keys(override)) {
    if (overridable.includes(name)) continue;
    const near = closest(name, overridable);
    const advice = near === undefined ? `Known options: ${overridable.join(', ')}.` : `Did you mean "${near}"?`;
    throw new ConfigError('CONFIG_INVALID', `Unknown option "${name}" in ${overrideVariable}. ${advice}`);
  }
  refuseOtherMode(override['connector']);
  return { connector: merged(connector, override['connector']), cluster: merged(cluster, override['cluster']) };
}

/** The mapping stays as it was deployed: a function that then answers in another mode loses records in silence. */
function refuseOtherMode(connector: unknown): void {
  const trigger = isObject(connector) ? ownField(connector, 'trigger') : undefined;
  const option =
    isObject(connector) && Object.hasOwn(connector, 'acknowledge')
      ? 'connector.acknowledge'
      : isObject(trigger) && Object.hasOwn(trigger, 'pollers')
        ? 'connector.trigger.pollers'
        : undefined;
  if (option === undefined) return;
  throw new ConfigError(
    'CONFIG_INVALID',
    `${overrideVariable} cannot set ${option}, as the event source mapping would not change with it. Set it in serverless.yml and deploy.`,
  );
}

function parseOverride(text: string): Readonly<Record<string, unknown>> {
  try {
    const override: unknown = JSON.parse(text);
    if (isObject(override)) return override;
  } catch {
    // What it holds may be secret: the message below says all there is to say.
  }
  throw new ConfigError(
    'CONFIG_INVALID',
    `Expected ${overrideVariable} to be a JSON object, got something else. Set it to one like {"connector":{"epoch":1}}, or remove it.`,
  );
}

/** Objects are merged, everything else is replaced. */
function merged(below: unknown, above: unknown): unknown {
  if (above === undefined) return below;
  if (!isObject(below) || !isObject(above)) return above;
  return Object.fromEntries(
    [...new Set([...Object.keys(below), ...Object.keys(above)])].map((name) => [
      name,
      merged(ownField(below, name), ownField(above, name)),
    ]),
  );
}

function ownField(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
