import { stringify } from 'yaml';
import type { OptionReference, SinkReference } from '../../../lib/core/reference.ts';
import type { Guarantees } from '../../../lib/core/sink.ts';
import type { SeenFile } from '../../contract/kit/seen.ts';

/** A connector of this repository that uses the sink. */
export interface Example {
  readonly name: string;
  /** The entry of serverless.yml, as it is written there. */
  readonly yaml: string;
  readonly functionFile: string;
  readonly source: string;
}

export interface SinkPage {
  readonly reference: SinkReference;
  readonly example: Example | undefined;
  /** What the contract tests saw, one per target that the sink was tried on. */
  readonly seen: readonly (SeenFile & { readonly target: string })[];
}

/** The reference page of a sink, in Markdown. */
export function sinkPage({ reference, example, seen }: SinkPage): string {
  const sections = [
    `# ${reference.name}\n\n${reference.summary}\n\nThis page is generated from the sink's definition and from what its contract tests saw (\`npm run docs\`).`,
    modesSection(reference),
    exampleSection(example),
    optionsSection(reference.options),
    errorsSection(reference),
    ...seen.map(faultsSection),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function modesSection({ modes }: SinkReference): string {
  if (modes.length === 0) return '';
  const rows = modes.map(({ name, config, guarantees }) => [`**${name}**<br>${code(yamlLine(config))}`, ...claims(guarantees)]);
  return `## What it promises\n\n${table(['mode', 'the same record twice', 'older after newer', 'a tombstone', 'one bad record fails'], rows)}`;
}

/** The claims of a mode, in the words of the README. */
export function claims({ idempotent, ordered, deletes, partial }: Guarantees): string[] {
  return [
    idempotent ? 'is there once' : 'may be there twice',
    ordered ? 'the newer one stays' : '–',
    deletes ? 'deletes' : '–',
    partial ? 'itself only' : 'its batch, which is then halved',
  ];
}

function exampleSection(example: Example | undefined): string {
  if (example === undefined) return '';
  return `## Example\n\n\`\`\`yaml\n${example.yaml}\n\`\`\`\n\n\`\`\`ts\n// ${example.functionFile}\n${example.source.trim()}\n\`\`\``;
}

function optionsSection(options: readonly OptionReference[]): string {
  const rows = options.map(({ path, when, type, required, byDefault, description }) => [
    `${code(path)}${required ? ' *' : ''}${when === undefined ? '' : `<br>with ${code(when)}`}`,
    cell(type),
    byDefault === undefined ? '' : code(byDefault),
    cell(description),
  ]);
  return `## Options\n\nThose with a * have to be set.\n\n${table(['option', 'type', 'default', 'what it does'], rows)}`;
}

function errorsSection({ errors }: SinkReference): string {
  if (errors.length === 0) return '';
  const rows = errors.map((rule) => [cell(rule.when), rule.class, cell(rule.meaning)]);
  const intro =
    'retriable: tried again, then delivered again by Kafka. data: the dead letter topic. config: nothing more is acknowledged until somebody changes something.';
  return `## What each failure leads to\n\n${intro}\n\n${table(['the target', 'class', 'because'], rows)}`;
}

/** What was seen of one target, as a heading and a table; empty when nothing was. */
export function faultsSection({ target, modes }: SinkPage['seen'][number]): string {
  const tried = modes.filter(({ faults, sharesWith }) => sharesWith === undefined && Object.keys(faults).length > 0);
  if (tried.length === 0) return '';
  const faults = [...new Set(tried.flatMap((mode) => Object.keys(mode.faults)))].toSorted();
  const rows = faults.map((fault) => [fault, ...tried.map((mode) => mode.faults[fault] ?? '')]);
  const last = ['afterwards', ...tried.map(({ afterwards }) => afterwards)];
  const note = tried.flatMap(({ name }) => {
    const alike = modes.filter(({ sharesWith }) => sharesWith === name).map((mode) => mode.name);
    return alike.length === 0 ? [] : [`\n\nLike “${name}”, as they speak to the target in the same way: ${alike.join('; ')}.`];
  });
  const heading = `## What was seen when things broke: ${target}`;
  return `${heading}\n\n${table(['', ...tried.map(({ name }) => cell(name))], [...rows, last])}${note.join('')}`;
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A configuration as one would write it in YAML, on one line. */
function yamlLine(config: Readonly<Record<string, unknown>>): string {
  return stringify(config, { flowCollectionPadding: true, collectionStyle: 'flow', lineWidth: 0 })
    .trim()
    .replace(/^\{ ?/, '')
    .replace(/ ?\}$/, '');
}

/** Text as code, also where it holds a bar, which would end the cell of a table. */
function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
}
