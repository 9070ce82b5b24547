import { randomUUID } from 'node:crypto';
import { deflateSync, inflateSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { defaultFieldBytes, expectStorable } from './constraints.ts';
import { BrokenStream } from './cursor.ts';
import type { Answer } from './metadata.ts';
import { countOfRecords, type Row, readRecords, writeRecords } from './record-stream.ts';
import { Refusal } from './refusal.ts';
import type { ServiceRequest } from './request.ts';
import {
  type Download,
  describeBlocks,
  describeDownload,
  describeStream,
  describeUpload,
  type Session,
  type Stream,
  type Upload,
} from './sessions.ts';
import { append, expectPartition, readPartition, type Store, type Table } from './store.ts';

export interface TunnelOptions {
  /** Answers success without reading more than the number of records: for benchmarks. */
  readonly discard?: boolean;
  /** Bytes that a field may have; sessions of uploads say so. */
  readonly maxFieldBytes?: number;
  /** How often a new stream says that it is not ready. */
  readonly streamsStartIn?: number;
}

export interface Tunnel {
  /** Does what is asked for; `keeps` is false where the answer is to be a lie and nothing is stored. */
  answer(request: ServiceRequest, body: Buffer, keeps: boolean): Answer;
  /** As after 24 hours. */
  expireSessions(): void;
  /** From now on another server answers for the slots of streams. */
  moveSlots(): void;
  /** Records that were sent so far, kept or not. */
  readonly records: number;
}

const maxBlocks = 20_000;

/** The side of the service through which rows go in and out. */
export function openTunnel(
  store: Store,
  { discard = false, maxFieldBytes = defaultFieldBytes, streamsStartIn = 0 }: TunnelOptions = {},
): Tunnel {
  const uploads = new Map<string, Upload>();
  const streams = new Map<string, Stream>();
  const downloads = new Map<string, Download>();
  const notReady = new Map<string, number>();
  let slotServer = 1;
  let records = 0;

  const begin = (request: ServiceRequest, createPartition: boolean): Session => {
    const table = store.find(request.schema, request.table ?? '');
    const partition = readPartition(table, request.query.get('partition'));
    if (createPartition && !table.partitions.has(partition)) table.partitions.set(partition, []);
    expectPartition(table, request.query.get('partition'));
    const id = `${new Date().toISOString().replace(/\D/g, '')}${randomUUID().slice(0, 12).replaceAll('-', '')}`;
    const { columns, schemaVersion } = table;
    return { id, table, partition, quota: request.query.get('quotaName') ?? '', columns, schemaVersion, status: 'normal' };
  };
  const find = <Kind extends Session>(
    sessions: ReadonlyMap<string, Kind>,
    { query, schema, table = '' }: ServiceRequest,
    code: string,
  ): Kind => {
    const session = sessions.get(query.get('uploadid') ?? query.get('downloadid') ?? '');
    if (session === undefined) throw new Refusal(code, 'There is no such session.', { status: 404 });
    if (store.find(schema, table) !== session.table)
      throw new Refusal('TableModified', 'The table is not the one that the session was made for.');
    const named = [readPartition(session.table, query.get('partition')), query.get('quotaName') ?? ''];
    if (named.join('\n') !== [session.partition, session.quota].join('\n'))
      throw new Refusal('InvalidResourceSpec', 'The session was made for another partition or quota.');
    return session;
  };
  const readRows = ({ columns }: Session, { headers }: ServiceRequest, body: Buffer): readonly Row[] => {
    const content = decompress(body, headers['content-encoding']);
    const rows = discard ? [] : readRecords(content, columns);
    for (const row of rows) expectStorable(columns, row, maxFieldBytes);
    records += discard ? countOfRecords(content) : rows.length;
    return rows;
  };
  const slotAddress = () => `127.0.0.1:${10_000 + slotServer}`;
  const started = (stream: Stream): Answer => {
    const left = notReady.get(stream.id) ?? streamsStartIn;
    notReady.set(stream.id, left - 1);
    stream.status = left > 0 ? 'init' : stream.status === 'init' ? 'normal' : stream.status;
    return json(describeStream(stream, slotAddress()));
  };

  const answer = (request: ServiceRequest, body: Buffer, keeps: boolean): Answer => {
    const { kind, query } = request;
    switch (kind) {
      case 'create': {
        const session = begin(request, query.get('create_partition') === 'true');
        const upload: Upload = { ...session, overwrite: query.get('overwrite') === 'true', blocks: new Map() };
        uploads.set(upload.id, upload);
        return json(describeUpload(upload, maxFieldBytes));
      }
      case 'reload':
        return json(describeUpload(find(uploads, request, 'NoSuchUpload'), maxFieldBytes));
      case 'block': {
        const upload = writable(find(uploads, request, 'NoSuchUpload'));
        const block = readNumber(query.get('blockid'));
        if (block === undefined || block >= maxBlocks) throw new Refusal('InvalidBlockID', `Expected a block id of 0 to ${maxBlocks - 1}.`);
        const rows = readRows(upload, request, body);
        if (keeps) upload.blocks.set(block, rows);
        return { status: 200 };
      }
      case 'commit': {
        const upload = writable(find(uploads, request, 'NoSuchUpload'));
        if (upload.overwrite) upload.table.partitions.set(upload.partition, []);
        append(
          upload.table,
          upload.partition,
          [...upload.blocks].toSorted(([a], [b]) => a - b).flatMap(([, rows]) => rows),
        );
        upload.status = 'closed';
        return json({ UploadedBlockList: describeBlocks(upload) });
      }
      case 'openStream': {
        const session = begin(request, query.has('create_partition'));
        expectVersion(session.table, query, { isNew: true });
        const wanted = readNumber(String(request.headers['odps-tunnel-slot-num'] ?? '1')) ?? 1;
        const stream: Stream = { ...session, slots: Math.max(1, wanted) };
        streams.set(stream.id, stream);
        return started(stream);
      }
      case 'reloadStream':
        return started(find(streams, request, 'StreamSessionNotFound'));
      case 'abortStream':
        find(streams, request, 'StreamSessionNotFound').status = 'closed';
        return json({});
      case 'writeStream': {
        const stream = writable(find(streams, request, 'StreamSessionNotFound'));
        if (stream.status === 'init') throw new Refusal('StatusConflict', 'The stream is not ready.');
        expectVersion(stream.table, query, { isNew: false });
        const slot = readNumber(query.get('slotid'));
        if (slot === undefined || slot >= stream.slots) throw new Refusal('InvalidArgument', `There is no slot ${query.get('slotid')}.`);
        if (request.headers['odps-tunnel-routed-server'] === undefined)
          throw new Refusal('MissingRequiredHeaderError', 'Expected odps-tunnel-routed-server.');
        const rows = readRows(stream, request, body);
        const announced = readNumber(query.get('record_count'));
        if (announced !== undefined && !discard && announced !== rows.length)
          throw new Refusal('MalformedDataStream', `record_count says ${announced}, the stream holds ${rows.length}.`);
        if (keeps) append(stream.table, stream.partition, rows);
        return { status: 200, headers: { 'odps-tunnel-slot-num': String(stream.slots), 'odps-tunnel-routed-server': slotAddress() } };
      }
      case 'openDownload': {
        const session = begin(request, false);
        const download: Download = { ...session, rows: [...(session.table.partitions.get(session.partition) ?? [])] };
        downloads.set(download.id, download);
        return json(describeDownload(download));
      }
      case 'reloadDownload':
        return json(describeDownload(find(downloads, request, 'NoSuchDownload')));
      case 'download': {
        const download = find(downloads, request, 'NoSuchDownload');
        const [, start, count] = /^\((\d+),(\d+)\)$/.exec(query.get('rowrange') ?? '') ?? [];
        if (start === undefined || count === undefined) throw new Refusal('InvalidRowRange', 'Expected a row range of (start,count).');
        const names = query.get('columns')?.toLowerCase().split(',');
        const columns = names === undefined ? download.columns : download.columns.filter(({ name }) => names.includes(name));
        const rows = download.rows.slice(Number(start), Number(start) + Number(count));
        return compressed(writeRecords(rows, columns), request.headers['accept-encoding']);
      }
      default:
        throw new Refusal('MethodNotAllowed', `${kind} is nothing that a tunnel knows.`);
    }
  };

  return {
    answer(request, body, keeps) {
      if (request.headers['x-odps-tunnel-version'] === undefined || request.headers['odps-tunnel-date-transform'] !== 'v1')
        throw new Refusal('MissingRequiredHeaderError', 'Expected x-odps-tunnel-version, and odps-tunnel-date-transform: v1.');
      try {
        return answer(request, body, keeps);
      } catch (error) {
        throw error instanceof BrokenStream ? new Refusal(error.code, error.message) : error;
      }
    },
    expireSessions() {
      for (const session of [...uploads.values(), ...streams.values()]) if (session.status !== 'closed') session.status = 'expired';
    },
    moveSlots() {
      slotServer++;
    },
    get records() {
      return records;
    },
  };
}

function writable<Kind extends Session>(session: Kind): Kind {
  if (session.status === 'closed' || session.status === 'expired')
    throw new Refusal('StatusConflict', `You cannot complete the specified operation, the session is ${session.status}.`);
  return session;
}

function expectVersion(table: Table, query: ReadonlyMap<string, string>, { isNew }: { readonly isNew: boolean }): void {
  if (query.get('check_latest_schema') !== 'true') return;
  const version = readNumber(query.get('schema_version'));
  if (isNew && version === undefined) return;
  if (version === table.schemaVersion) return;
  const headers = { 'odps-tunnel-latest-schema-version': String(table.schemaVersion) };
  throw new Refusal('SchemaModified', `The latest schema version is ${table.schemaVersion}.`, { headers });
}

function decompress(body: Buffer, encoding: string | undefined): Buffer {
  try {
    switch (encoding) {
      case undefined:
        return body;
      case 'deflate':
        return inflateSync(body);
      case 'zstd':
        return zstdDecompressSync(body);
    }
  } catch (cause) {
    throw new BrokenStream(`The body is not ${encoding} (${(cause as Error).name}).`);
  }
  throw new Refusal('MalformedHeaderValue', `This server does not know Content-Encoding ${encoding}.`);
}

function compressed(body: Buffer, accepted: string | string[] | undefined): Answer {
  const headers = (encoding: string) => ({ 'content-type': 'application/octet-stream', 'content-encoding': encoding });
  if (accepted === 'deflate') return { status: 200, headers: headers(accepted), body: deflateSync(body) };
  if (accepted === 'zstd') return { status: 200, headers: headers(accepted), body: zstdCompressSync(body) };
  return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body };
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function json(content: object): Answer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(content) };
}
