import { basename } from 'node:path';
import { ConfigError } from '../core/errors.ts';
import { readSettings } from '../core/settings.ts';
import { closest } from '../core/suggest.ts';
import type { Position, Service, ServiceConnector, ServiceProblem } from './service.ts';

/** Problems as `serverless.yml:31:9  path`, with what to do below. */
export function formatProblems(file: string, problems: readonly ServiceProblem[]): string {
  return problems
    .map(({ path, message, line, column }) => {
      const place = line === undefined || column === undefined ? basename(file) : `${basename(file)}:${line}:${column}`;
      return `${place}  ${path}\n${message.replaceAll(/^/gm, '    ')}`;
    })
    .join('\n\n');
}

/** What keeps the connector from running here: what could not be resolved, otherwise what its settings get wrong. */
export function problemsOf({ connector, problems, locate, name }: ServiceConnector): readonly ServiceProblem[] {
  if (problems.length > 0) return problems;
  return readSettings(connector).problems.map(({ path, message }) => ({
    path: `functions.${name}.${path}`,
    message,
    ...position(locate(path)),
  }));
}

/** The connectors of that name, or all that are enabled. Throws a ConfigError when there is none. */
export function chooseConnectors({ connectors, file }: Service, only: readonly string[]): readonly ServiceConnector[] {
  const names = connectors.map(({ name }) => name);
  const unknown = only.find((name) => !names.includes(name));
  if (connectors.length === 0)
    throw new ConfigError('NO_CONNECTOR', `There is no function with a connector block in ${file}. Add one: npx sluice --help shows how.`);
  if (unknown !== undefined)
    throw new ConfigError('NO_CONNECTOR', `There is no connector ${unknown} in ${basename(file)}. ${instead(unknown, names)}`);
  return only.length === 0 ? connectors : connectors.filter(({ name }) => only.includes(name));
}

function instead(name: string, names: readonly string[]): string {
  const near = closest(name, names);
  return near === undefined ? `It has ${names.join(', ')}.` : `Did you mean ${near}?`;
}

function position(at: Position | undefined): Partial<Position> {
  return at ?? {};
}
