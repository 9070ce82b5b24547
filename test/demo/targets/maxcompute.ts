import type { Row } from '../../support/servers/maxcompute/record-stream.ts';
import { defaultAccount, startMaxCompute } from '../../support/servers/maxcompute.ts';
import { installPyodps, startPyodps } from '../../support/servers/pyodps.ts';
import { differentOf, type Findings, shortened, type Target } from '../target.ts';

const table = 'flights';

/** The stand-in for MaxCompute that this repository tests with: nobody can run the real one. */
export async function maxcomputeTarget(): Promise<Target> {
  const { server, python } = await started();
  const { accessId, accessKey } = defaultAccount;
  server.createTable(table, {
    columns: {
      ...{ date: 'datetime', delay: 'bigint', distance: 'bigint', origin: 'string', destination: 'string' },
      ...{ topic: 'string', partition: 'bigint', offset: 'bigint' },
    },
    partitionedBy: { pt: 'string' },
  });
  const { endpoint, tunnelEndpoint, project } = server;
  return {
    connector: 'flights-to-maxcompute',
    label: `a stand-in of this repository's for MaxCompute, not the service itself, on 127.0.0.1:${server.port}`,
    through:
      typeof python === 'string'
        ? 'read with PyODPS, the official client'
        : `as the stand-in has it, as PyODPS is not here: ${python.message}`,
    forgets: true,
    env: {
      ...{ MAXCOMPUTE_ENDPOINT: endpoint, MAXCOMPUTE_TUNNEL_ENDPOINT: tunnelEndpoint, MAXCOMPUTE_PROJECT: project },
      ...{ MAXCOMPUTE_ACCESS_KEY_ID: accessId, MAXCOMPUTE_ACCESS_KEY_SECRET: accessKey },
    },
    async readBack() {
      if (typeof python !== 'string') return flightRows(server.rows(table));
      const client = startPyodps(python, { endpoint, project, accessId, accessKey });
      try {
        return flightRows(await client.read(table));
      } finally {
        await client.stop();
      }
    },
    stop: () => server.stop(),
  };
}

async function started() {
  const [server, python] = await Promise.all([startMaxCompute(), installPyodps().catch(asError)]);
  return { server, python };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** The rows of the table of flights. */
function flightRows(rows: readonly Row[]): Findings {
  const places = rows.map(placeOf);
  const [example] = rows;
  const partitions = new Set(rows.map(({ pt }) => String(pt)));
  const what = `rows in ${table}, partition ${[...partitions].map((pt) => `pt=${pt}`).join(', ')}`;
  if (example === undefined) return { what: `rows in ${table}`, total: 0, different: 0, lines: [] };
  const { topic: _topic, partition: _partition, offset: _offset, ...fields } = example;
  return {
    ...{ what, total: rows.length, different: differentOf(places) },
    lines: [
      [
        'one row',
        shortened(
          Object.entries(fields)
            .map(([name, value]) => `${name}=${String(value)}`)
            .join('  '),
        ),
      ],
      ['from', `${placeOf(example)}, in its columns topic, partition and offset`],
    ],
  };
}

function placeOf({ topic, partition, offset }: Row): string {
  return `${String(topic)}-${String(partition)}@${String(offset)}`;
}
