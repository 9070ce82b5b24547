import { queryTable } from '../query.ts';
import { type Findings, shortened, type Target } from '../target.ts';

const place = "_sluice_topic || '-' || _sluice_partition || '@' || _sluice_offset";

/** The database that the plain demo writes to as well. */
export function postgresTarget({ url, label }: { readonly url: string; readonly label: string }): Target {
  return {
    connector: 'quakes-to-postgres',
    label,
    through: 'read over a connection of its own, with SQL',
    env: { DATABASE_URL: url },
    look: `psql ${url}`,
    readBack: () => quakeRows(url),
    stop: async () => undefined,
  };
}

/** The rows of the table quakes. */
export async function quakeRows(url: string): Promise<Findings> {
  const [, counts = []] = await queryTable(url, `select count(*), count(distinct ${place}) from quakes`);
  const example = `select id, mag, place, time, ${place} as record from quakes where kind = 'earthquake' order by mag desc limit 1`;
  const [names = [], row = []] = await queryTable(url, example);
  return {
    ...{ what: 'rows in quakes', total: Number(counts[0] ?? 0), different: Number(counts[1] ?? 0) },
    lines: [
      [
        'one row',
        shortened(
          names
            .slice(0, -1)
            .map((name, column) => `${name}=${row[column] ?? ''}`)
            .join('  '),
        ),
      ],
      ['from', row.at(-1) ?? ''],
    ],
  };
}
