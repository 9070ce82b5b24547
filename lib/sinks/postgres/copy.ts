import type { Settings } from './options.ts';
import type { Plan } from './plan.ts';
import type { Row } from './rows.ts';
import { quoted } from './sql.ts';
import { instantText } from './time.ts';

export interface Copy {
  readonly text: string;
  readonly input: Buffer;
}

/** Rows of one shape as the input of `COPY`, the cheapest way to add them; nothing where no column is given. */
export function copyOf(rows: readonly Row[], plan: Plan, { columns, stores }: Settings): Copy | undefined {
  const absent = new Set(plan.defaulted.filter((_, index) => rows[0]?.shape[index] !== '1'));
  const positions = plan.fields.flatMap((_, position) => (absent.has(position) ? [] : [position]));
  const names = positions.flatMap((position) => plan.fields[position]?.column.name ?? []);
  if (plan.extra !== undefined) names.push(plan.extra.column.name);
  if (stores.version) names.push(columns.topic, columns.partition, columns.offset, columns.epoch, columns.part);
  if (stores.timestamp) names.push(columns.timestamp);
  if (names.length === 0) return undefined;
  let input = '';
  for (const { cells, extra, record } of rows) {
    let line = '';
    for (const position of positions) line += `${copied(cells[position])}\t`;
    if (plan.extra !== undefined) line += `${copied(extra)}\t`;
    if (stores.version) {
      const { topic, partition, offset, epoch } = record.version;
      line += `${copied(topic)}\t${partition}\t${offset}\t${epoch}\t${record.part}\t`;
    }
    if (stores.timestamp) line += `${instantText(record.timestamp) ?? record.timestamp}\t`;
    input += `${line.slice(0, -1)}\n`;
  }
  return { text: `copy ${plan.table.sql} (${names.map(quoted).join(', ')}) from stdin`, input: Buffer.from(input) };
}

const special = /[\\\t\n\r]/;
const specials = /[\\\t\n\r]/g;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function copied(cell: string | null | undefined): string {
  if (cell === null || cell === undefined) return '\\N';
  return special.test(cell) ? cell.replace(specials, (found) => escapes[found] ?? found) : cell;
}
