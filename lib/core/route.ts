import { ConfigError, DataError } from './errors.ts';
import { type KafkaRecord, originName } from './record.ts';
import type { Template } from './template.ts';

export interface RouterOptions {
  /** The option that holds the template, e.g. `connector.sink.index`; `allow` and `maxTargets` are named as its siblings. */
  readonly path: string;
  readonly template: Template;
  /** Names, and prefixes that end in `*`, that a record may choose. */
  readonly allow?: readonly string[] | undefined;
  /** Distinct names at most within a day. */
  readonly maxTargets?: number | undefined;
  /** What is counted: every name, or only what records have chosen of it, so that neither time nor partition counts. Default: names. */
  readonly counts?: 'names' | 'choices' | undefined;
  /** The sink's own rules for names: true, or what was expected, e.g. 'lower case'. */
  readonly valid?: ((name: string) => boolean | string) | undefined;
  /** Milliseconds since the epoch. Without a clock names are counted for as long as the router lives. */
  readonly now?: (() => number) | undefined;
}

/** Where one record goes. Throws a DataError when that is outside of what the operator wrote down. */
export type Route = (record: KafkaRecord) => string;

const dayMs = 86_400_000;

/** Routes each record to the name that its `target` or the template says, inside the allow-list and the cap. Throws a ConfigError for options that make no sense. */
export function router({ path, template, allow = [], maxTargets = 100, counts = 'names', valid, now = () => 0 }: RouterOptions): Route {
  const parent = path.slice(0, path.lastIndexOf('.') + 1);
  const allowPath = `${parent}allow`;
  const isAllowed = allowList(allow, allowPath);
  if (template.steeredByRecord && allow.length === 0) {
    const example = template.literalPrefix === '' ? 'orders-*' : `${template.literalPrefix}*`;
    throw invalid(
      `Expected ${allowPath}, as records have a say in ${path}. Set it to the names or prefixes they may choose, e.g. ["${example}"].`,
    );
  }
  const { constant } = template;
  const constantProblem = constant === undefined ? undefined : nameProblem(constant, valid);
  if (constantProblem !== undefined) throw invalid(`Expected ${path} to be ${constantProblem}.`);

  const topics = new Set<string>();
  let checked = new Set<string>();
  let chosen = new Set<string>();
  let chosenFrom = now();
  const check = (name: string, record: KafkaRecord): void => {
    const problem = nameProblem(name, valid);
    if (problem !== undefined) throw refused('TARGET_INVALID', `Expected the target of the record to be ${problem}`, record);
  };
  const count = (name: string, record: KafkaRecord): void => {
    check(name, record);
    countChoice(name, record);
  };
  const countChoice = (name: string, record: KafkaRecord): void => {
    // A new index each day is no reason for a worker to stop after a hundred days.
    if (now() - chosenFrom >= dayMs) {
      chosen = new Set();
      chosenFrom = now();
    }
    if (chosen.size >= maxTargets) {
      const message = `Record would be target number ${maxTargets + 1} of ${path}, and ${parent}maxTargets is ${maxTargets}`;
      throw refused('TOO_MANY_TARGETS', message, record);
    }
    chosen.add(name);
  };

  return (record) => {
    const target = template.usesTarget ? undefined : record.target;
    if (target === undefined && constant !== undefined) return constant;
    const name = target ?? template.render(record);
    if (target === undefined && template.byTopicOnly) {
      if (topics.has(name)) return name;
      check(name, record);
      topics.add(name);
      return name;
    }
    // What the template says anyway needs no permission.
    const mayChoose = () => isAllowed(name) || (!template.steeredByRecord && name === template.render(record));
    if ((template.steeredByRecord || target !== undefined) && !mayChoose())
      throw refused('TARGET_NOT_ALLOWED', `Record chose a target that is not in ${allowPath}`, record);
    if (counts === 'names' && maxTargets < Number.POSITIVE_INFINITY) {
      if (!chosen.has(name)) count(name, record);
      return name;
    }
    if (!checked.has(name)) {
      check(name, record);
      if (checked.size >= mostChecked) checked = new Set();
      checked.add(name);
    }
    if (maxTargets === Number.POSITIVE_INFINITY) return name;
    const choice = target ?? template.choice(record);
    if (choice !== '' && !chosen.has(choice)) countChoice(choice, record);
    return name;
  };
}

/** Names that are remembered as sound: time gives ever new ones. */
const mostChecked = 10_000;

function allowList(allow: readonly string[], path: string): (name: string) => boolean {
  const names = new Set<string>();
  const prefixes: string[] = [];
  for (const [index, entry] of allow.entries()) {
    const prefix = entry.endsWith('*') ? entry.slice(0, -1) : undefined;
    if (entry === '' || prefix === '' || (prefix ?? entry).includes('*'))
      throw invalid(`Expected ${path}[${index}] to be a name, or a prefix followed by one *. A * alone would let records choose any name.`);
    if (prefix === undefined) names.add(entry);
    else prefixes.push(prefix);
  }
  return (name) => names.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}

/** What was expected of a name that could reach somewhere else than it says, or that the sink does not take. */
function nameProblem(name: string, valid: RouterOptions['valid']): string | undefined {
  if (name === '') return 'a name, got empty text';
  if (/\p{Cc}/u.test(name) || !name.isWellFormed()) return 'a name without control characters';
  if (/\.\.|(?:^|\/)\.(?:\/|$)|\\|%(?:2e|2f|5c|25|00)/i.test(name)) return 'a name without dot segments, backslashes or encoded separators';
  const verdict = valid?.(name) ?? true;
  if (verdict === true) return undefined;
  return verdict === false ? 'a name that the target accepts' : verdict;
}

function refused(code: string, message: string, { origin }: KafkaRecord): DataError {
  return new DataError(code, `${message} (${originName(origin)})`);
}

function invalid(message: string): ConfigError {
  return new ConfigError('CONFIG_INVALID', message);
}
