import { ConfigError } from '../core/errors.ts';
import { type OptionReference, type SinkReference, sinkReference } from '../core/reference.ts';
import type { Guarantees } from '../core/sink.ts';
import { closest } from '../core/suggest.ts';
import type { CommandWorld } from './dev.ts';
import { listedSinks } from './sinks.ts';
import { tableLines, wrapped } from './table.ts';
import { type Terminal, terminal } from './terminal.ts';

export interface DescribeFlags {
  readonly errors?: boolean;
  readonly json?: boolean;
}

const lineWidth = 120;

/** Prints what there is to know of a sink, or which sinks there are. Throws a ConfigError for a sink that does not exist. */
export async function describe(
  { errors = false, json = false }: DescribeFlags,
  name: string | undefined,
  world: CommandWorld,
): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const sinks = await listedSinks();
  if (name === undefined) {
    if (json)
      out.line(
        JSON.stringify(
          sinks.map(({ name: sink, summary }) => ({ name: sink, summary })),
          null,
          2,
        ),
      );
    else
      for (const line of tableLines(
        ['sink', ''],
        sinks.map((sink) => [sink.name, sink.summary]),
      ))
        out.line(`  ${line}`);
    return 0;
  }
  const sink = sinks.find((each) => each.name === name);
  if (sink === undefined) {
    const near = closest(
      name,
      sinks.map((each) => each.name),
    );
    throw new ConfigError(
      'USAGE',
      `There is no sink ${name}. ${near === undefined ? `There are ${sinks.map((each) => each.name).join(', ')}.` : `Did you mean ${near}?`}`,
    );
  }
  const reference = sinkReference(sink);
  if (json) out.line(JSON.stringify(reference, null, 2));
  else if (errors) printErrors(reference, out);
  else printReference(reference, out);
  return 0;
}

function printReference(reference: SinkReference, out: Terminal): void {
  out.line(`  ${out.style('bold', reference.name)}   ${reference.summary}`);
  out.line();
  const modes = reference.modes.map(({ name, guarantees }) => [name, ...inWords(guarantees)]);
  for (const line of tableLines(['mode', 'the same record twice', 'older after newer', 'a tombstone', 'a bad row fails'], modes))
    out.line(`  ${line}`);
  out.line();
  const width = Math.max(...reference.options.map((option) => nameOf(option).length));
  for (const option of reference.options) {
    const indent = ' '.repeat(width + 4);
    out.line(
      `  ${nameOf(option).padEnd(width)}  ${out.style('cyan', option.type)}${option.byDefault === undefined ? '' : `   Default: ${option.byDefault}`}`,
    );
    const description = option.when === undefined ? option.description : `With ${option.when}. ${option.description}`;
    if (description !== '')
      for (const line of wrapped(description, lineWidth - indent.length)) out.line(`${indent}${out.style('dim', line)}`);
  }
  out.line();
  out.line(`  * has to be set.   What each failure leads to: npx sluice describe ${reference.name} --errors`);
}

function printErrors({ name, errors }: SinkReference, out: Terminal): void {
  out.line(`  ${out.style('bold', name)}   retriable: tried again   data: dead letter topic   config: waits for a person`);
  out.line();
  for (const line of tableLines(
    ['when', 'class', 'because'],
    errors.map((rule) => [rule.when, rule.class, rule.meaning]),
  ))
    out.line(`  ${line}`);
}

function nameOf({ path, required }: OptionReference): string {
  return required ? `${path} *` : path;
}

function inWords({ idempotent, ordered, deletes, partial }: Guarantees): string[] {
  return [
    idempotent ? 'once' : 'twice',
    ordered ? 'newer stays' : '–',
    deletes ? 'deletes' : '–',
    partial ? 'itself only' : 'its batch, then halves',
  ];
}
