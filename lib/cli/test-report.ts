import { toJson } from '../core/json.ts';
import { codeFrame, placeOf } from './samples/code-frame.ts';
import type { Change } from './samples/expected.ts';
import type { Difference, SampleResult } from './samples/result.ts';
import { count, counted, type Terminal } from './terminal.ts';

/** What became of a connector's samples. */
export interface ConnectorTrial {
  readonly name: string;
  /** The folder of the service. */
  readonly root: string;
  /** By the sample's name. */
  readonly results: ReadonlyMap<string, SampleResult>;
  readonly expectedFile: string;
  readonly hasExpected: boolean;
  /** Whether the expected file was just written. */
  readonly written: boolean;
  /** The failures that are not expected ones. */
  readonly failures: readonly (readonly [sample: string, result: SampleResult])[];
  readonly changes: readonly Change[];
}

interface Counts {
  readonly samples: number;
  readonly one: number;
  readonly dropped: number;
  /** Samples that became several records, and how many those are. */
  readonly fannedOut: number;
  readonly fannedOutRecords: number;
  readonly failed: number;
}

/** Longer records are cut: --json shows all. */
const mostRecords = 20;
const mostChanges = 20;

export function printTrial(trial: ConnectorTrial, width: number, out: Terminal): void {
  const { name, failures, changes, hasExpected } = trial;
  const isGood = failures.length === 0 && changes.length === 0;
  out.line(
    `  ${out.style(isGood ? 'green' : 'red', isGood ? '✓' : '✗')} ${out.style('bold', name.padEnd(width))}   ${inWords(countsOf(trial), out)}`,
  );
  for (const [sample, result] of failures) printFailure(sample, result, trial, out);
  if (changes.length > 0) printChanges(trial, out);
  else if (trial.written) out.line(`    written to ${trial.expectedFile}`);
  else if (!hasExpected) printRecords(trial, out);
  if (!isGood) out.line();
}

/** The counts, without those that are none. */
function inWords({ samples, one, dropped, fannedOut, fannedOutRecords, failed }: Counts, out: Terminal): string {
  return [
    counted(samples, 'sample'),
    ...(one === 0 ? [] : [`${count(one)} → 1 record`]),
    ...(fannedOut === 0 ? [] : [`${count(fannedOut)} → ${counted(fannedOutRecords, 'record')}`]),
    ...(dropped === 0 ? [] : [`${count(dropped)} dropped`]),
    ...(failed === 0 ? [] : [out.style('red', `${count(failed)} failed`)]),
  ].join('   ');
}

function printFailure(sample: string, result: SampleResult, { root }: ConnectorTrial, out: Terminal): void {
  if (!('failed' in result)) return;
  const { code, message, cause } = result.failed;
  const [what = '', ...more] = (cause?.message ?? message).split('\n');
  out.line();
  out.line(`    ${sample}   ${out.style('red', code)}   ${what}`);
  const indent = ' '.repeat(4 + sample.length + 3);
  for (const line of more) out.line(indent + line);
  const place = cause === undefined ? undefined : placeOf(cause.stack, root);
  if (place === undefined) return;
  out.line(`${indent}${out.style('cyan', `${place.file}:${place.line}:${place.column}`)}`);
  for (const line of codeFrame(place, what)) out.line(indent + line);
}

function printChanges({ changes, expectedFile, name }: ConnectorTrial, out: Terminal): void {
  out.line();
  out.line(`    changed since the expected file (${expectedFile}):`);
  for (const { sample, differences } of changes.slice(0, mostChanges)) {
    const lines = differences.flatMap((difference) => differenceLines(difference, out));
    for (const [index, line] of lines.entries()) out.line(`      ${index === 0 ? sample : ' '.repeat(sample.length)}   ${line}`);
  }
  if (changes.length > mostChanges) out.line(`      … and ${count(changes.length - mostChanges)} more`);
  out.line(`    If this is what you want: npx sluice test ${name} --update`);
}

function differenceLines({ path, before, after }: Difference, out: Terminal): string[] {
  const at = path === '' ? '' : `${path}: `;
  return [
    ...(before === undefined ? [] : [out.style('red', `- ${at}${before}`)]),
    ...(after === undefined ? [] : [out.style('green', `+ ${at}${after}`)]),
  ];
}

/** With nothing to compare with, the records are for people to look at. */
function printRecords({ results, name, expectedFile }: ConnectorTrial, out: Terminal): void {
  const records = [...results].flatMap(([sample, result]) =>
    'records' in result ? result.records.map((record) => ({ sample, record })) : [],
  );
  for (const { sample, record } of records.slice(0, mostRecords)) out.line(`    ${sample}   ${toJson(record)}`);
  if (records.length > mostRecords) out.line(`    … and ${count(records.length - mostRecords)} more`);
  out.line(`    Nothing to compare with yet: npx sluice test ${name} --update writes ${expectedFile}`);
}

/** What scripts get. */
export function trialJson({ name, root, results, failures, changes, hasExpected }: ConnectorTrial): unknown {
  const shown = [...results].map(([sample, result]) => {
    if ('records' in result) return { sample, records: result.records };
    const { code, message, cause } = result.failed;
    const place = cause === undefined ? undefined : placeOf(cause.stack, root);
    const at = place === undefined ? {} : { at: `${place.file}:${place.line}:${place.column}` };
    return { sample, failed: { code, message: cause?.message ?? message, ...at } };
  });
  return {
    name,
    ...countsOf({ results }),
    compared: hasExpected,
    unexpectedFailures: failures.map(([sample]) => sample),
    results: shown,
    changes,
  };
}

function countsOf({ results }: Pick<ConnectorTrial, 'results'>): Counts {
  const counts = { samples: results.size, one: 0, dropped: 0, fannedOut: 0, fannedOutRecords: 0, failed: 0 };
  for (const result of results.values()) {
    if ('failed' in result) counts.failed++;
    else if (result.records.length === 0) counts.dropped++;
    else if (result.records.length === 1) counts.one++;
    else {
      counts.fannedOut++;
      counts.fannedOutRecords += result.records.length;
    }
  }
  return counts;
}
