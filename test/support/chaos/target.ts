import { Client } from 'pg';
import { amountOf, bodyOf, type Numbered } from './numbered.ts';

export type Mode = 'upsert' | 'insert';

const fields = 'number bigint, body text, amount integer check (amount >= 0)';
const origin = '_sluice_topic text, _sluice_partition integer, _sluice_offset bigint, _sluice_epoch integer, _sluice_part integer';

// The trigger sees every change of every row: whatever made a row older, or took it away, is kept.
const schema = `
  create table latest (key text primary key, ${fields}, ${origin}, _sluice_timestamp timestamptz, _sluice_written_at timestamptz, _sluice_deleted boolean);
  create table every (${fields}, ${origin}, primary key (_sluice_topic, _sluice_partition, _sluice_offset, _sluice_epoch, _sluice_part));
  create table backwards (happened text);
  create function remember() returns trigger language plpgsql as $$ begin
    insert into backwards values (tg_table_name || ' ' || tg_op || ': ' || old::text || ' became ' || coalesce(new::text, 'nothing'));
    return null;
  end $$;
  create trigger older after update on latest for each row
    when (new._sluice_offset < old._sluice_offset or new._sluice_partition <> old._sluice_partition or new.number < old.number)
    execute function remember();
  create trigger changed after update on every for each row execute function remember();
  create trigger gone after delete on latest for each row execute function remember();
  create trigger gone after delete on every for each row execute function remember();
`;

/** The options of the sink for each mode. */
export const sinks: Readonly<Record<Mode, object>> = {
  upsert: { table: 'latest', write: 'upsert', primaryKeyFrom: 'key', primaryKey: ['key'], guard: 'version' },
  insert: { table: 'every', write: 'insert', primaryKeyFrom: 'origin' },
};

export async function createTables(url: string): Promise<void> {
  await withDatabase(url, (database) => database.query(schema));
}

/** What is wrong with the rows; nothing where each number is there once and nothing else is. */
export async function faultsOfRows(url: string, mode: Mode, records: Numbered): Promise<string[]> {
  return await withDatabase(url, async (database) => {
    const { rows } = await database.query<{ happened: string }>('select happened from backwards where happened like $1 limit 20', [
      mode === 'upsert' ? 'latest %' : 'every %',
    ]);
    const faults = rows.map(({ happened }) => happened);
    faults.push(...(mode === 'upsert' ? await faultsOfLatest(database, records) : await faultsOfEvery(database, records)));
    return faults;
  });
}

interface StoredRow {
  readonly key: string;
  readonly number: string | null;
  readonly body: string | null;
  readonly amount: number | null;
  readonly _sluice_partition: number;
  readonly _sluice_offset: string;
  readonly _sluice_deleted: boolean;
}

const page = 50_000;

async function faultsOfLatest(database: Client, records: Numbered): Promise<string[]> {
  const expected = expectedRows(records);
  const faults: string[] = [];
  for (let last = ''; ; ) {
    const { rows } = await database.query<StoredRow>(
      'select key, number, body, amount, _sluice_partition, _sluice_offset, _sluice_deleted from latest where key > $1 order by key limit $2',
      [last, page],
    );
    for (const row of rows) {
      const number = expected.get(row.key);
      expected.delete(row.key);
      const fault = number === undefined ? 'should not be there' : wrong(row, records, number, records.record(number).kind === 'tombstone');
      if (fault !== undefined) faults.push(`row ${row.key}: ${fault}`);
    }
    if (rows.length < page) break;
    last = rows.at(-1)?.key ?? '';
  }
  for (const [key, number] of expected) faults.push(`row ${key}: is missing, expected number ${number} of ${place(records, number)}`);
  return faults;
}

/** The last number of each key that can be delivered. */
function expectedRows(records: Numbered): Map<string, number> {
  const expected = new Map<string, number>();
  for (let number = 0; number < records.records; number++) {
    const { kind, key } = records.record(number);
    if (kind === 'good' || kind === 'tombstone') expected.set(key.toString(), number);
  }
  return expected;
}

async function faultsOfEvery(database: Client, records: Numbered): Promise<string[]> {
  const faults: string[] = [];
  const seen = new Uint8Array(records.records);
  for (let partition = 0; partition < records.partitions; partition++) {
    for (let last = -1; ; ) {
      const { rows } = await database.query<StoredRow>(
        'select number, body, amount, _sluice_partition, _sluice_offset from every where _sluice_partition = $1 and _sluice_offset > $2 order by _sluice_offset limit $3',
        [partition, last, page],
      );
      for (const row of rows) {
        const number = records.at(partition, Number(row._sluice_offset));
        const fault = number === undefined ? 'comes from no record' : wrong(row, records, number, false);
        if (fault !== undefined) faults.push(`row of ${partition}@${row._sluice_offset}: ${fault}`);
        if (number !== undefined) seen[number] = (seen[number] ?? 0) + 1;
      }
      if (rows.length < page) break;
      last = Number(rows.at(-1)?._sluice_offset);
    }
  }
  for (let number = 0; number < records.records; number++) {
    const times = records.record(number).kind === 'good' ? 1 : 0;
    if (seen[number] !== times)
      faults.push(`number ${number} of ${place(records, number)} is there ${seen[number]} times instead of ${times}`);
  }
  return faults;
}

function wrong(row: StoredRow, records: Numbered, number: number, isDeleted: boolean): string | undefined {
  const at = `${row._sluice_partition}@${row._sluice_offset}`;
  if (at !== place(records, number)) return `expected ${place(records, number)} (number ${number}), found ${at} (number ${row.number})`;
  const content = isDeleted ? [null, null, null] : [String(number), bodyOf(number), amountOf(number)];
  const found = [row.number, row.body, row.amount];
  if (found.some((value, index) => value !== content[index])) return `expected ${JSON.stringify(content)}, found ${JSON.stringify(found)}`;
  if ((row._sluice_deleted ?? false) !== isDeleted) return `expected ${isDeleted ? 'a deleted row' : 'a row'}, found the opposite`;
  return undefined;
}

function place(records: Numbered, number: number): string {
  return `${records.partition(number)}@${records.offset(number)}`;
}

async function withDatabase<Result>(url: string, work: (database: Client) => Promise<Result>): Promise<Result> {
  const database = new Client({ connectionString: url });
  await database.connect();
  try {
    return await work(database);
  } finally {
    await database.end();
  }
}
