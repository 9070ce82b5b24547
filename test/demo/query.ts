import { Client } from 'pg';

/** The rows a query answers, as text in columns. */
export async function queryTable(url: string, sql: string): Promise<readonly (readonly string[])[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { fields, rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' });
    return [fields.map(({ name }) => name), ...rows.map((row) => row.map(cell))];
  } finally {
    await client.end();
  }
}

function cell(value: unknown): string {
  if (value instanceof Date)
    return value
      .toISOString()
      .replace('T', ' ')
      .replace(/\.\d+Z$/, 'Z');
  return value === null ? '' : String(value);
}
