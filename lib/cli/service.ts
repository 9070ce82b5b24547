import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { type Document, isAlias, isMap, isSeq, LineCounter, parseDocument } from 'yaml';
import { ConfigError } from '../core/errors.ts';
import { isObject } from '../core/field.ts';
import { findHandlerFile } from '../platforms/lambda/handler-file.ts';
import { type VariableProblem, type Variables, variables } from './variables.ts';

/** A place in serverless.yml, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something in serverless.yml that has to be changed, where it stands. */
export interface ServiceProblem extends Partial<Position> {
  /** Dotted path from the root of the file. */
  readonly path: string;
  readonly message: string;
}

/** A function with a `connector:` block, its variables resolved. */
export interface ServiceConnector {
  readonly name: string;
  /** The function's name at AWS. */
  readonly functionName: string;
  /** The file with the handler; without an existing one the path as written, and a problem. */
  readonly handlerFile: string;
  readonly exportName: string;
  readonly timeoutSeconds: number;
  /** Megabytes. */
  readonly memorySize: number;
  /** What provider and function put into the environment, as far as it is text. */
  readonly environment: Readonly<Record<string, string>>;
  /** The `connector:` block, not yet checked. */
  readonly connector: unknown;
  readonly line: number;
  /** What keeps this connector, and no other, from running here. */
  readonly problems: readonly ServiceProblem[];
  /** Where an option stands, by its path from `connector`, e.g. `connector.sink.index`; the nearest one above it that is there. */
  locate(path: string): Position | undefined;
}

export interface Service {
  readonly name: string;
  readonly stage: string;
  /** The region of AWS that it is deployed to, where the file says so. */
  readonly region?: string;
  /** The folder of serverless.yml. */
  readonly root: string;
  readonly file: string;
  /** The `sluice:` block and its `cluster`, not yet checked. */
  readonly sluice: unknown;
  readonly cluster: unknown;
  readonly problems: readonly ServiceProblem[];
  readonly connectors: readonly ServiceConnector[];
  locate(path: string): Position | undefined;
}

export interface ReadServiceOptions {
  readonly file: string;
  /** Otherwise `provider.stage`, otherwise `dev`. */
  readonly stage?: string | undefined;
  /** For `${param:…}`, over those of the file. */
  readonly params?: Readonly<Record<string, string>> | undefined;
  /** For `${opt:…}`. */
  readonly options?: Readonly<Record<string, string | undefined>> | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const defaultTimeoutSeconds = 120;
const defaultMemoryMb = 1024;

/**
 * Reads serverless.yml and resolves what can be resolved without a cloud: `offlineSources` in variables.ts lists it. Throws a ConfigError only when the
 * file cannot be read or is not YAML; what else is wrong is a problem of the connector that needs it.
 */
export async function readService({ file, stage, params = {}, options = {}, env }: ReadServiceOptions): Promise<Service> {
  const text = await readText(file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, logLevel: 'error' });
  const [mistake] = document.errors;
  if (mistake !== undefined) {
    const at = lines.linePos(mistake.pos[0]);
    throw new ConfigError('SERVICE_UNREADABLE', `${basename(file)}:${at.line}:${at.col}  ${mistake.message.split('\n')[0]}`);
  }
  const root = dirname(resolve(file));
  const raw: unknown = document.toJS();
  const opt = { ...options, ...(stage === undefined ? {} : { stage }) };
  const first = variables({ document: raw, root, env, options: opt, params, readFile: readTextSync });
  const withDotenv = first.at('useDotenv').value === true ? { ...dotenv(root, first.stage), ...env } : env;
  const vars = variables({ document: raw, root, env: withDotenv, options: opt, params, readFile: readTextSync });
  const locate = (path: string) => positionOf(document, lines, path);
  const place = ({ path, message }: VariableProblem): ServiceProblem => ({ path: dotted(path), message, ...locate(dotted(path)) });

  const sluice = vars.at('sluice');
  const name = vars.at('service');
  const shared = sluice.problems.map(place);
  const region = vars.at('provider', 'region').value;
  const serviceName = nameOf(name.value) ?? basename(root);
  return {
    name: serviceName,
    stage: vars.stage,
    ...(typeof region === 'string' ? { region } : {}),
    root,
    file: resolve(file),
    sluice: sluice.value,
    cluster: isObject(sluice.value) ? sluice.value['cluster'] : undefined,
    problems: shared,
    connectors: connectorsOf({ vars, raw, root, prefix: `${serviceName}-${vars.stage}`, env: withDotenv, shared, place, locate }),
    locate,
  };
}

interface Reading {
  readonly vars: Variables;
  readonly raw: unknown;
  readonly root: string;
  /** Of the names that functions have at AWS. */
  readonly prefix: string;
  readonly env: ReadServiceOptions['env'];
  readonly shared: readonly ServiceProblem[];
  readonly place: (problem: VariableProblem) => ServiceProblem;
  readonly locate: (path: string) => Position | undefined;
}

function connectorsOf(reading: Reading): ServiceConnector[] {
  return functionPaths(reading).flatMap(({ path, name, block }) => {
    if (!isObject(block) || !Object.hasOwn(block, 'connector')) return [];
    return [readConnector(reading, path, name, block)];
  });
}

/** `functions` is a map, a list of maps, or either from another file. */
function functionPaths({ vars, raw }: Reading): { path: string[]; name: string; block: unknown }[] {
  const written = isObject(raw) ? raw['functions'] : undefined;
  const isInline = isObject(written);
  const value = isInline ? written : vars.at('functions').value;
  const maps = Array.isArray(value) ? value.map((map: unknown, index) => ({ map, at: [String(index)] })) : [{ map: value, at: [] }];
  return maps.flatMap(({ map, at }) =>
    isObject(map)
      ? Object.keys(map).map((name) => ({ path: ['functions', ...at, name], name, block: functionBlock(vars, map, at, name) }))
      : [],
  );
}

function functionBlock(vars: Variables, map: Readonly<Record<string, unknown>>, at: readonly string[], name: string): unknown {
  return typeof map[name] === 'string' ? vars.at('functions', ...at, name).value : map[name];
}

function readConnector(
  reading: Reading,
  path: readonly string[],
  name: string,
  block: Readonly<Record<string, unknown>>,
): ServiceConnector {
  const { vars, root, env, shared, place, locate } = reading;
  const problems: ServiceProblem[] = [...shared];
  const read = (...steps: string[]): unknown => {
    const { value, problems: found } = vars.at(...steps);
    problems.push(...found.map(place));
    return value;
  };
  const own = (option: string): unknown => (Object.hasOwn(block, option) ? read(...path, option) : undefined);
  const wrong = (steps: readonly string[], message: string): void =>
    void problems.push({ path: dotted(steps), message, ...locate(dotted(steps)) });

  const handler = findHandlerFile(root, own('handler'));
  if (handler.message !== undefined) wrong([...path, 'handler'], handler.message);
  const timeout = Number(own('timeout') ?? read('provider', 'timeout') ?? defaultTimeoutSeconds);
  if (!(timeout >= 1 && timeout <= 900)) wrong([...path, 'timeout'], `Expected ${dotted(path)}.timeout to be seconds from 1 to 900.`);
  const memory = Number(own('memorySize') ?? read('provider', 'memorySize') ?? defaultMemoryMb);
  const environment = environmentOf(
    [
      ['provider', 'environment'],
      [...path, 'environment'],
    ],
    vars,
    env,
    (problem) => problems.push(place(problem)),
  );
  const ownName = own('name');
  return {
    name,
    functionName: typeof ownName === 'string' ? ownName : `${reading.prefix}-${name}`,
    handlerFile: handler.file,
    exportName: handler.exportName,
    timeoutSeconds: timeout >= 1 && timeout <= 900 ? timeout : defaultTimeoutSeconds,
    memorySize: Number.isFinite(memory) ? memory : defaultMemoryMb,
    environment,
    connector: own('connector'),
    line: locate(dotted(path))?.line ?? 1,
    problems: problems.filter(
      ({ path: at, message }, index) => index === problems.findIndex((other) => other.path === at && other.message === message),
    ),
    locate: (option) => locate(`${dotted(path)}.${option}`),
  };
}

/** A variable that is set in this process is taken from there; what CloudFormation fills in is left out. */
function environmentOf(
  places: readonly (readonly string[])[],
  vars: Variables,
  env: ReadServiceOptions['env'],
  report: (problem: VariableProblem) => void,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const path of places) {
    const { value, problems } = vars.at(...path);
    for (const problem of problems) if (env[String(problem.path[path.length])] === undefined) report(problem);
    for (const [name, entry] of Object.entries(isObject(value) ? value : {})) {
      const given = env[name] ?? entry;
      if (typeof given === 'string' || typeof given === 'number' || typeof given === 'boolean') environment[name] = String(given);
    }
  }
  return environment;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      'SERVICE_UNREADABLE',
      `There is no readable ${basename(file)} in ${dirname(resolve(file))}. Go to the folder of your service, or name the file with --config.`,
      {
        cause,
      },
    );
  }
}

function readTextSync(path: string): string {
  return readFileSync(path, 'utf8');
}

function dotenv(root: string, stage: string): NodeJS.Dict<string> {
  const read = (file: string) => (existsSync(join(root, file)) ? parseEnv(readTextSync(join(root, file))) : {});
  return { ...read('.env'), ...read(`.env.${stage}`) };
}

function nameOf(service: unknown): string | undefined {
  if (typeof service === 'string') return service;
  return isObject(service) && typeof service['name'] === 'string' ? service['name'] : undefined;
}

function dotted(path: readonly (string | number)[]): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}

/** Walks down as far as the path is there. Names may hold dots themselves, so the longest that fits is taken. */
function positionOf(document: Document, lines: LineCounter, path: string): Position | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  let rest = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  while (rest.length > 0) {
    if (isAlias(node)) node = node.resolve(document);
    const step = stepInto(node, rest);
    if (step === undefined) break;
    ({ node, offset, rest } = step);
  }
  if (offset === undefined) return undefined;
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function stepInto(node: unknown, rest: string[]): { node: unknown; offset: number | undefined; rest: string[] } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(rest[0])];
    return item === undefined ? undefined : { node: item, offset: rangeStart(item), rest: rest.slice(1) };
  }
  if (!isMap(node)) return undefined;
  for (let taken = rest.length; taken > 0; taken--) {
    const name = rest.slice(0, taken).join('.');
    const pair = node.items.find(({ key }) => String(key) === name);
    if (pair !== undefined) return { node: pair.value, offset: rangeStart(pair.key), rest: rest.slice(taken) };
  }
  return undefined;
}

function rangeStart(node: unknown): number | undefined {
  const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}
