import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readService } from '../../lib/cli/service.ts';
import { allSinks } from '../../lib/cli/sinks.ts';
import { tableLines } from '../../lib/cli/table.ts';
import { count, type Terminal } from '../../lib/cli/terminal.ts';
import { checkSink, readSettings } from '../../lib/core/settings.ts';
import { asError } from './more-targets.ts';
import type { Findings, Target } from './target.ts';

const captionWidth = 11;

/** How much there was in the target of each connector. */
type Counts = Readonly<Record<string, number>>;

/** Connectors whose sink, with its options, promises that a record which comes twice is there once. */
export type Promises = ReadonlySet<string>;

/**
 * Reads every target back, shows what was found, and how much that is beside what the start before found. Answers how many targets could
 * not be read. The figures are kept in the folder.
 */
export async function showReadBack(out: Terminal, targets: readonly Target[], promises: Promises, folder: string): Promise<number> {
  const before = await readCounts(folder);
  const isFirst = Object.keys(before).length === 0;
  const counts: Record<string, number> = {};
  const rows: string[][] = [];
  for (const { connector, through, forgets = false, readBack } of targets) {
    out.line();
    out.line(`  ${out.style('bold', connector)}   ${out.style('dim', through)}`);
    const findings = await readBack().catch(asError);
    for (const line of linesOf(findings)) out.line(`    ${line}`);
    if (findings instanceof Error) continue;
    const { what, total, different } = findings;
    const earlier = before[connector];
    counts[connector] = total;
    const figures = [count(total), count(different), ...(isFirst ? [] : [earlier === undefined ? '–' : count(earlier)])];
    rows.push([
      connector,
      what,
      ...figures,
      `${promises.has(connector) ? 'once' : 'at least once'}${forgets ? ', into an empty target' : ''}`,
    ]);
  }
  await mkdir(folder, { recursive: true });
  await writeFile(countsFile(folder), JSON.stringify(counts));

  const figures = ['now', 'different records', ...(isFirst ? [] : ['the start before'])].map((heading) => ({
    heading,
    align: 'right' as const,
  }));
  out.line();
  for (const line of tableLines(['connector', 'found', ...figures, 'promised'], rows)) out.line(`  ${line}`);
  out.line();
  return targets.length - rows.length;
}

function linesOf(findings: Findings | Error): readonly string[] {
  if (findings instanceof Error) return [`could not be read   ${findings.message}`];
  const { total, what, different, lines } = findings;
  const captioned = [['found', `${count(total)} ${what}, from ${count(different)} different records`] as const, ...lines];
  const width = Math.max(captionWidth, ...captioned.map(([caption]) => caption.length));
  return captioned.map(([caption, text]) => `${caption.padEnd(width)}   ${text}`);
}

export async function promisesOf(config: string, env: Readonly<Record<string, string | undefined>>): Promise<Promises> {
  const [service, sinks] = await Promise.all([readService({ file: config, env }), allSinks()]);
  const promising = service.connectors.filter(({ connector }) => {
    const { settings } = readSettings(connector);
    const definition = sinks.find(({ name }) => name === settings.sink.type);
    return definition?.guarantees(checkSink(definition, settings).config).idempotent === true;
  });
  return new Set(promising.map(({ name }) => name));
}

function countsFile(folder: string): string {
  return join(folder, 'read-back.json');
}

async function readCounts(folder: string): Promise<Counts> {
  return JSON.parse(await readFile(countsFile(folder), 'utf8').catch(() => '{}')) as Counts;
}
