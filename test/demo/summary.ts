import { count } from '../../lib/cli/terminal.ts';
import { readLetters } from './letters.ts';
import { type ConnectorProgress, type Screen, settled } from './progress.ts';
import { queryTable } from './query.ts';

/** Fewer records are through before a rate says anything. */
const enoughForRate = 10_000;

/** One line per connector: what became of the records. */
export function summarise(out: Screen, connectors: readonly ConnectorProgress[]): void {
  out.line();
  const width = Math.max(...connectors.map(({ name }) => name.length));
  const figure = Math.max(...connectors.map(({ progress: { delivered } }) => count(delivered).length));
  for (const { name, progress, ms } of connectors) {
    const { delivered, ignored, dropped, deadLettered } = progress;
    const seconds = Math.max(ms, 1) / 1_000;
    const done = settled(progress);
    const parts = [
      `${count(delivered).padStart(figure)} delivered`,
      ignored > 0 ? `${count(ignored)} ignored (newer data is there)` : '',
      dropped > 0 ? `${count(dropped)} dropped by the transform` : '',
      deadLettered > 0 ? out.style('yellow', `${count(deadLettered)} dead-lettered`) : '',
      `in ${seconds.toFixed(1)} s${done >= enoughForRate ? `, ${count(Math.round(done / seconds))}/s` : ''}`,
    ];
    out.line(`  ${name.padEnd(width)}   ${parts.filter((part) => part !== '').join('   ')}`);
  }
}

/** What a query answers, as a table. */
export async function showTable(out: Screen, url: string, title: string, sql: string): Promise<void> {
  const rows = await queryTable(url, sql);
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  out.line();
  out.line(`  ${out.style('bold', title)}   ${out.style('dim', sql)}`);
  for (const row of rows) out.line(`    ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd());
}

/** One of the letters that were written since the topic ended at `before`, with its headers. */
export async function showLetter(out: Screen, brokers: string, before: ReadonlyMap<number, number>, expected: number): Promise<void> {
  const letters = await readLetters(brokers, 'quakes.dlq', before, expected);
  const letter = letters.find(({ bytes }) => bytes.includes('made-up-1')) ?? letters[0];
  if (letter === undefined) return;
  const names = Object.keys(letter.headers);
  const own = names.filter((name) => name.startsWith('sluice.'));
  out.line();
  out.line(`  ${out.style('bold', 'One dead letter')} (${letter.place}, of ${count(letters.length)})`);
  out.line(`    from      ${letter.from}`);
  out.line(`    because   ${letter.because}`);
  out.line(`    bytes     ${letter.bytes}`);
  out.line(
    `    headers   ${own
      .slice(0, 4)
      .map((name) => `${name}=${letter.headers[name]}`)
      .join('  ')}`,
  );
  out.line(
    `              and ${own.length - 4} more of ours, and ${names.length - own.length} that Kafka Connect's tools read (__connect.errors.*)`,
  );
}
