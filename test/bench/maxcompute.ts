import { defaultAccount, type MaxComputeServer } from '../support/servers/maxcompute.ts';
import type { Destination } from './destinations.ts';

const columns = {
  id: 'bigint',
  customer: 'string',
  status: 'string',
  amount: 'double',
  quantity: 'bigint',
  currency: 'string',
  express: 'boolean',
  createdat: 'string',
  note: 'string',
};

/** A table of the stand-in for MaxCompute, which reads and checks what is sent and forgets it. */
export async function tunnelTable(server: MaxComputeServer): Promise<Destination> {
  let before = 0;
  return {
    settings: {
      acceptDuplicates: true,
      sink: {
        ...{ type: 'maxcompute', endpoint: server.endpoint, tunnelEndpoint: server.tunnelEndpoint, project: server.project },
        ...{ table: 'orders', mode: 'value', format: 'flatten' },
        credentials: { accessKeyId: { env: 'BENCH_KEY_ID' }, accessKeySecret: { env: 'BENCH_KEY' } },
      },
    },
    env: { BENCH_KEY_ID: defaultAccount.accessId, BENCH_KEY: defaultAccount.accessKey },
    async prepare() {
      server.dropTable('orders');
      server.createTable('orders', {
        columns: { topic: 'string', partition: 'bigint', offset: 'bigint', insert_time: 'bigint', ...columns },
        partitionedBy: { pt: 'string' },
      });
      before = server.records;
    },
    count: async () => server.records - before,
  };
}
