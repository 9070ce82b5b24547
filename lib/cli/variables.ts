// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how serverless.yml writes variables
import { extname, resolve as resolvePath } from 'node:path';
import { parse } from 'yaml';
import { isObject } from '../core/field.ts';
import { alternatives, cutAtVariables, parseSource, type SourceExpression } from './variable-syntax.ts';

/** What variables are resolved from. */
export interface VariableSources {
  /** The configuration file as it stands there. */
  readonly document: unknown;
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Options of the command line, for `${opt:…}`. */
  readonly options: Readonly<Record<string, string | undefined>>;
  /** Options `--param name=value`, for `${param:…}`; they win over the file's. */
  readonly params: Readonly<Record<string, string>>;
  /** Throws when the file is not there or cannot be read. */
  readonly readFile: (path: string) => string;
}

export interface Resolved {
  readonly value: unknown;
  readonly problems: readonly VariableProblem[];
}

export interface VariableProblem {
  /** Steps from the document's root to the text with the variable. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface Variables {
  readonly stage: string;
  /** The part of the document at the given steps with its variables resolved; what cannot be resolved is left out and named. */
  at(...path: (string | number)[]): Resolved;
}

/** The variable sources that need no cloud, for `--help`. */
export const offlineSources = [
  "${env:NAME, 'default'}",
  '${opt:name}',
  '${param:name}',
  '${self:path.in.this.file}',
  '${sls:stage}',
  '${file(path.yml):path.in.it}, of YAML, JSON and text files',
  '${strToBool(…)}',
  '${aws:region}',
] as const;

/** Why one variable cannot be resolved; its message is shown to the user. */
class Unresolvable extends Error {}

/** What a source that knows nothing of the address answers: the next alternative is tried. */
const nothing = undefined;

/**
 * Resolves the variables of serverless.yml as far as this can be done without asking a cloud: `offlineSources`, nested and with fallbacks.
 * A variable of another source (`ssm`, `cf`, `s3` …) is a problem of whoever needs it, even where it has a fallback: what is deployed might be something else.
 */
export function variables(sources: VariableSources): Variables {
  const { document, env, options, params } = sources;

  const resolveNode = (
    node: unknown,
    path: readonly (string | number)[],
    trail: readonly string[],
    problems: VariableProblem[],
  ): unknown => {
    if (typeof node === 'string') {
      try {
        return resolveText(node, trail);
      } catch (error) {
        if (!(error instanceof Unresolvable)) throw error;
        problems.push({ path, message: error.message });
        return undefined;
      }
    }
    if (Array.isArray(node)) return node.map((item, index) => resolveNode(item, [...path, index], trail, problems));
    if (!isObject(node)) return node;
    return Object.fromEntries(Object.entries(node).map(([name, child]) => [name, resolveNode(child, [...path, name], trail, problems)]));
  };

  /** Like `resolveNode`, for a part that another text refers to: one problem is enough. */
  const resolveWhole = (node: unknown, trail: readonly string[]): unknown => {
    const problems: VariableProblem[] = [];
    const value = resolveNode(node, [], trail, problems);
    const [first] = problems;
    if (first !== undefined) throw new Unresolvable(first.message);
    return value;
  };

  const resolveText = (text: string, trail: readonly string[]): unknown => {
    const pieces = cutAtVariables(text);
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined && 'variable' in only) return resolveVariable(only.variable, trail);
    return pieces.map((piece) => ('text' in piece ? piece.text : asText(resolveVariable(piece.variable, trail), piece.variable))).join('');
  };

  const resolveVariable = (variable: string, trail: readonly string[]): unknown => {
    if (trail.includes(variable)) throw new Unresolvable(`\${${variable}} refers to itself. Give it a value of its own.`);
    const tried = alternatives(variable);
    for (const alternative of tried) {
      if (alternative.kind === 'literal') return alternative.value;
      const value = resolveAlternative(alternative.expression, [...trail, variable]);
      if (value !== nothing && value !== null) return value;
    }
    const [first] = tried;
    throw new Unresolvable(missing(variable, first?.kind === 'source' ? parseSource(first.expression) : undefined));
  };

  const resolveAlternative = (expression: string, trail: readonly string[]): unknown => {
    const [whole, ...more] = cutAtVariables(expression);
    if (more.length === 0 && whole !== undefined && 'variable' in whole) return resolveNested(whole.variable, trail);
    const plain = asText(resolveText(expression, trail), expression);
    const parsed = parseSource(plain);
    if (parsed === undefined) throw new Unresolvable(`Expected \${source:address}, found \${${expression}}.`);
    return lookUp(parsed, trail);
  };

  /** A fallback that is a variable itself and comes to nothing leaves the word to the next. */
  const resolveNested = (variable: string, trail: readonly string[]): unknown => {
    for (const alternative of alternatives(variable)) {
      if (alternative.kind === 'literal') return alternative.value;
      const value = resolveAlternative(alternative.expression, [...trail, variable]);
      if (value !== nothing && value !== null) return value;
    }
    return nothing;
  };

  const lookUp = ({ source, parameters, address }: SourceExpression, trail: readonly string[]): unknown => {
    switch (source) {
      case 'env':
        return env[address ?? ''];
      case 'opt':
        return options[address ?? ''];
      case 'param':
        return param(address ?? '', trail);
      case 'self':
        return follow(document, address, trail, `self:${address ?? ''}`);
      case 'sls':
        if (address === 'stage') return stageFrom(trail);
        throw new Unresolvable(`\${sls:${address ?? ''}} is only known while deploying.`);
      case 'file':
        return fromFile(parameters ?? '', address, trail);
      case 'strToBool':
        return toBoolean(parameters ?? '');
      case 'aws':
        if (address === 'region') return options['region'] ?? follow(document, 'provider.region', trail, 'aws:region') ?? 'us-east-1';
        throw new Unresolvable(needsCloud(source, address));
      default:
        throw new Unresolvable(needsCloud(source, address));
    }
  };

  const param = (name: string, trail: readonly string[]): unknown => {
    if (Object.hasOwn(params, name)) return params[name];
    const stage = stageFrom(trail);
    for (const place of [`params.${stage}`, `stages.${stage}.params`, 'params.default', 'stages.default.params']) {
      const value = follow(document, `${place}.${name}`, trail, `param:${name}`);
      if (value !== nothing && value !== null) return value;
    }
    return nothing;
  };

  const stageFrom = (trail: readonly string[]): string => {
    if (options['stage'] !== undefined) return options['stage'];
    return asText(follow(document, 'provider.stage', trail, 'sls:stage') ?? 'dev', 'sls:stage');
  };

  /** Walks down by dots. A text on the way that is a variable is resolved first. */
  const follow = (start: unknown, address: string | undefined, trail: readonly string[], name: string): unknown => {
    let node = start;
    for (const step of address === undefined || address === '' ? [] : address.split('.')) {
      if (typeof node === 'string') node = resolveText(node, trail);
      if (Array.isArray(node)) node = node[Number(step)];
      else if (isObject(node) && Object.hasOwn(node, step)) node = node[step];
      else return nothing;
    }
    if (trail.length > 50) throw new Unresolvable(`\${${name}} refers to itself. Give it a value of its own.`);
    return resolveWhole(node, trail);
  };

  const fromFile = (path: string, address: string | undefined, trail: readonly string[]): unknown => {
    const type = extname(path);
    if (!['.yml', '.yaml', '.json', '.tfstate', '.txt', '.pem', '.crt', ''].includes(type))
      throw new Unresolvable(`\${file(${path})} is a program or of an unknown kind. Only YAML, JSON and text files are read here.`);
    const text = readOrNothing(sources, path);
    if (text === nothing) return nothing;
    if (!['.yml', '.yaml', '.json', '.tfstate'].includes(type)) return text.trim();
    return follow(parseFile(text, path), address, trail, `file(${path})`);
  };

  const problems: VariableProblem[] = [];
  const stage = resolveStage();

  function resolveStage(): string {
    try {
      return stageFrom([]);
    } catch (error) {
      if (!(error instanceof Unresolvable)) throw error;
      problems.push({ path: ['provider', 'stage'], message: `${error.message} Or say --stage NAME.` });
      return 'dev';
    }
  }

  return {
    stage,
    at(...path) {
      let node: unknown = document;
      const found: VariableProblem[] = [...problems];
      for (const [index, step] of path.entries()) {
        if (typeof node === 'string') node = resolveNode(node, path.slice(0, index), [], found);
        if (Array.isArray(node)) node = node[Number(step)];
        else if (isObject(node) && Object.hasOwn(node, step)) node = node[step];
        else return { value: undefined, problems: found };
      }
      return { value: resolveNode(node, path, [], found), problems: found };
    },
  };
}

function asText(value: unknown, variable: string): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Unresolvable(
    `Expected \${${variable}} to be text inside of other text, found ${Array.isArray(value) ? 'a list' : 'an object'}.`,
  );
}

function toBoolean(text: string): boolean {
  const word = text.replaceAll(/^['"]|['"]$/g, '').toLowerCase();
  if (word === 'true' || word === '1') return true;
  if (word === 'false' || word === '0') return false;
  throw new Unresolvable('Expected ${strToBool(…)} to get true, false, 1 or 0.');
}

function readOrNothing({ root, readFile }: VariableSources, path: string): string | undefined {
  try {
    return readFile(resolvePath(root, path));
  } catch {
    return nothing;
  }
}

function parseFile(text: string, path: string): unknown {
  try {
    return parse(text, { merge: true, logLevel: 'error' });
  } catch {
    throw new Unresolvable(`${path} is not valid ${extname(path) === '.json' ? 'JSON' : 'YAML'}.`);
  }
}

function missing(variable: string, first: SourceExpression | undefined): string {
  const at = first?.address ?? '';
  switch (first?.source) {
    case 'env':
      return `The environment variable ${at} is not set. Set it, or write a default: \${env:${at}, 'value'}.`;
    case 'opt':
      return `The option --${at} was not given. Give it, or write a default: \${opt:${at}, 'value'}.`;
    case 'param':
      return `The parameter ${at} is not set. Say --param ${at}=value, or set it under params in serverless.yml.`;
    case 'self':
      return `There is no ${at} in serverless.yml. Add it, or write a default: \${self:${at}, 'value'}.`;
    case 'file':
      return `\${${variable}} found nothing: the file is not there or has no such field.`;
    default:
      return `\${${variable}} came to nothing. Write a default: \${${variable}, 'value'}.`;
  }
}

function needsCloud(source: string, address: string | undefined): string {
  const written = `\${${source}:${address ?? ''}}`;
  const advice =
    source === 'ssm'
      ? `For a secret write { ssm: ${address ?? 'name'} } instead, which is read when the function starts.`
      : `Use \${param:…} or \${env:…}, which can be set here as well.`;
  return `${written} is only known to the cloud, so it cannot be resolved here. ${advice}`;
}
