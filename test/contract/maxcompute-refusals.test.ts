import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Row } from '../support/servers/maxcompute/record-stream.ts';
import { writeRecords } from '../support/servers/maxcompute/record-stream.ts';
import { canonicalString } from '../support/servers/maxcompute/signature.ts';
import { column } from '../support/servers/maxcompute/types.ts';
import { defaultAccount, type MaxComputeServer, startMaxCompute } from '../support/servers/maxcompute.ts';

let server: MaxComputeServer;
beforeAll(async () => {
  server = await startMaxCompute({ quotas: ['fast'] });
  server.createTable('plain', { columns: { n: 'bigint', s: 'varchar(3)' } });
  server.createTable('parted', { columns: { n: 'bigint' }, partitionedBy: { pt: 'string' } });
});
afterAll(() => server?.stop());

interface Answer {
  readonly status: number;
  readonly content: Readonly<Record<string, unknown>>;
}

const columns = [column('n', 'bigint'), column('s', 'varchar(3)')];
const rows = (...values: Row[]) => writeRecords(values, columns);

/** A request to the tunnel, signed by hand. `drop` names headers to leave out. */
async function call(
  method: string,
  path: string,
  query: Readonly<Record<string, string>>,
  body?: Buffer,
  changes: Readonly<Record<string, string | undefined>> = {},
): Promise<Answer> {
  const headers: Record<string, string> = {
    date: new Date().toUTCString(),
    'x-odps-tunnel-version': '6',
    'odps-tunnel-date-transform': 'v1',
  };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  const full = `/projects/${server.project}/tables/${path}`;
  const text = canonicalString({ method, path: full, query: new Map(Object.entries(query)), headers });
  const signature = createHmac('sha1', defaultAccount.accessKey).update(text).digest('base64');
  const pairs = Object.entries(query).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  const response = await fetch(`${server.tunnelEndpoint}${full}?${pairs.join('&')}`, {
    method,
    headers: { ...headers, authorization: `ODPS ${defaultAccount.accessId}:${signature}` },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
  const answer = await response.text();
  return { status: response.status, content: answer === '' ? {} : (JSON.parse(answer) as Answer['content']) };
}

const begin = async (table = 'plain', query = {}): Promise<string> =>
  String((await call('POST', table, { uploads: '', ...query })).content['UploadID']);
const put = (uploadid: string, blockid: string | number, body = rows({ n: 1 }), changes = {}) =>
  call('PUT', 'plain', { uploadid, blockid: String(blockid) }, body, changes);
const refusal = ({ status, content }: Answer) => `${status} ${content['Code']}`;

it('a block that is written again takes the place of the first, and nothing is seen before the commit', async () => {
  const uploadid = await begin();
  await put(uploadid, 0, rows({ n: 1 }));
  await put(uploadid, 7, rows({ n: 2 }));
  await put(uploadid, 0, rows({ n: 3 }, { n: 4 }));
  const { content } = await call('GET', 'plain', { uploadid });
  expect(content).toMatchObject({
    Status: 'normal',
    UploadedBlockList: [
      { BlockID: 0, RecordCount: 2 },
      { BlockID: 7, RecordCount: 1 },
    ],
  });
  expect(server.rows('plain')).toEqual([]);
  expect((await call('POST', 'plain', { uploadid })).status).toBe(200);
  expect(server.rows('plain').map(({ n }) => n)).toEqual([3, 4, 2]);
  expect(refusal(await call('POST', 'plain', { uploadid }))).toBe('400 StatusConflict');
  expect(refusal(await put(uploadid, 1))).toBe('400 StatusConflict');
  expect((await call('GET', 'plain', { uploadid })).content).toMatchObject({ Status: 'closed' });
  server.truncate('plain');
});

it('overwriting replaces what is there when it is committed', async () => {
  server.insert('plain', [{ n: 1, s: null }]);
  const uploadid = await begin('plain', { overwrite: 'true' });
  await put(uploadid, 0, rows({ n: 2 }));
  expect(server.rows('plain').map(({ n }) => n)).toEqual([1]);
  await call('POST', 'plain', { uploadid });
  expect(server.rows('plain').map(({ n }) => n)).toEqual([2]);
  server.truncate('plain');
});

it('what the service refuses is refused with its codes', async () => {
  const uploadid = await begin();
  const answers = {
    'a block id that is too high': await put(uploadid, 20_000),
    'no block id': await put(uploadid, ''),
    'another session': await put('nothing', 0),
    'a table that is not there': await call('POST', 'nothing', { uploads: '' }),
    'no partition': await call('POST', 'parted', { uploads: '' }),
    'a partition that is not there': await call('POST', 'parted', { uploads: '', partition: 'pt=a' }),
    'another level': await call('POST', 'parted', { uploads: '', partition: 'day=a' }),
    'a partition of a table without': await call('POST', 'plain', { uploads: '', partition: 'pt=a' }),
    'a quota that is not there': await call('POST', 'plain', { uploads: '', quotaName: 'slow' }),
    'another quota than the session': await call('GET', 'plain', { uploadid, quotaName: 'fast' }),
    'no version of the tunnel': await call('POST', 'plain', { uploads: '' }, undefined, { 'x-odps-tunnel-version': undefined }),
    'another calendar': await call('POST', 'plain', { uploads: '' }, undefined, { 'odps-tunnel-date-transform': undefined }),
    'a clock that is off': await call('POST', 'plain', { uploads: '' }, undefined, {
      date: new Date(Date.now() - 1_000_000).toUTCString(),
    }),
    'a compression nobody knows': await put(uploadid, 0, rows(), { 'content-encoding': 'br' }),
    'what is not compressed': await put(uploadid, 0, rows(), { 'content-encoding': 'deflate' }),
    'half a stream': await put(uploadid, 0, rows({ n: 1 }).subarray(0, -1)),
    'another checksum': await put(uploadid, 0, Buffer.concat([rows({ n: 1 }).subarray(0, -1), Buffer.of(1)])),
    'a text that is too long': await put(uploadid, 0, rows({ s: 'long' })),
    'a number that SQL does not know': await put(uploadid, 0, rows({ n: -(2n ** 63n) })),
    'something else': await call('DELETE', 'plain', { uploadid }),
  };
  expect(Object.fromEntries(Object.entries(answers).map(([what, answer]) => [what, refusal(answer)]))).toEqual({
    'a block id that is too high': '400 InvalidBlockID',
    'no block id': '400 InvalidBlockID',
    'another session': '404 NoSuchUpload',
    'a table that is not there': '404 NoSuchTable',
    'no partition': '400 MissingPartitionSpec',
    'a partition that is not there': '404 NoSuchPartition',
    'another level': '400 InvalidPartitionSpec',
    'a partition of a table without': '400 InvalidPartitionSpec',
    'a quota that is not there': '400 QuotaNotExist',
    'another quota than the session': '400 InvalidResourceSpec',
    'no version of the tunnel': '400 MissingRequiredHeaderError',
    'another calendar': '400 MissingRequiredHeaderError',
    'a clock that is off': '403 RequestTimeTooSkewed',
    'a compression nobody knows': '400 MalformedHeaderValue',
    'what is not compressed': '400 MalformedDataStream',
    'half a stream': '400 IncompleteBody',
    'another checksum': '400 CorruptedDataStream',
    'a text that is too long': '400 DataStoreError',
    'a number that SQL does not know': '400 DataStoreError',
    'something else': '405 MethodNotAllowed',
  });
  await call('POST', 'plain', { uploadid });
  expect(server.rows('plain')).toEqual([]);
});

it('a stream that insists on the latest columns is told which they are', async () => {
  server.createTable('grows', { columns: { n: 'bigint' } });
  const opened = await call('POST', 'grows/streams', { check_latest_schema: 'true' });
  const query = { uploadid: String(opened.content['session_name']), slotid: '0', schema_version: '0', check_latest_schema: 'true' };
  const body = writeRecords([{ n: 1 }], [column('n', 'bigint')]);
  const routed = { 'odps-tunnel-routed-server': '127.0.0.1:1' };
  expect((await call('PUT', 'grows/streams', query, body, routed)).status).toBe(200);
  server.addColumns('grows', { added: 'string' });
  expect(refusal(await call('PUT', 'grows/streams', query, body, routed))).toBe('412 SchemaModified');
  expect((await call('PUT', 'grows/streams', { ...query, check_latest_schema: 'false' }, body, routed)).status).toBe(200);
  expect(server.rows('grows')).toEqual([{ n: 1 }, { n: 1 }]);
});

it('a server for benchmarks counts what it does not keep', async () => {
  const kept = server;
  server = await startMaxCompute({ discard: true });
  try {
    server.createTable('plain', { columns: { n: 'bigint', s: 'varchar(3)' } });
    const uploadid = await begin();
    await put(uploadid, 0, rows({ n: 1 }, { n: 2 }, { n: 3 }));
    expect((await call('POST', 'plain', { uploadid })).status).toBe(200);
    expect([server.records, server.rows('plain')]).toEqual([3, []]);
  } finally {
    await server.stop();
    server = kept;
  }
});
