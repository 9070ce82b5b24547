import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import type { Compression } from './compress.ts';
import { contentHeaders, noLegacyDates } from './content.ts';
import type { HttpAnswer } from './request.ts';
import { parseJson, readSchema, recordOf, type TableName, type TableSchema, tablePath, unexpected } from './table.ts';

export interface StreamTarget extends TableName {
  /** As in `pt=2026-03-04 05`; undefined for tables without partitions. */
  readonly partition: string | undefined;
  /** Whether a partition that is missing is made. */
  readonly createPartition: boolean;
}

/** A way to write rows that are there with the answer: each write adds them, also one that is repeated. */
export interface Stream {
  readonly schema: TableSchema;
  /** The service moved what this stream writes to: open another one. */
  readonly isStale: boolean;
  write(body: Buffer, about: { readonly rows: number; readonly compression: Compression; readonly signal: AbortSignal }): Promise<void>;
}

interface Slot {
  readonly id: string;
  server: string;
}

const longestInitMs = 30_000;

/** Opens a stream to one partition. */
export async function openStream(client: Client, target: StreamTarget, signal: AbortSignal): Promise<Stream> {
  const path = `${tablePath(client, target)}/streams`;
  const common = { partition: target.partition, check_latest_schema: 'false' };
  const create = { ...common, ...(target.createPartition && target.partition !== undefined ? { create_partition: '' } : {}) };
  let session = readSession(await client.call({ service: 'tunnel', method: 'POST', path, query: create, signal }));
  for (let waitedMs = 0, waitMs = 50; session.status === 'init'; waitMs = Math.min(waitMs * 2, 2_000)) {
    if (waitedMs > longestInitMs) throw unexpected();
    await sleep(waitMs, undefined, { signal });
    waitedMs += waitMs;
    const query = { uploadid: session.id, ...common, schema_version: session.schemaVersion };
    session = readSession(await client.call({ service: 'tunnel', method: 'GET', path, query, signal }));
  }
  const { id, schema, schemaVersion, slots } = session;
  if (slots.length === 0) throw unexpected();
  let next = Math.floor(Math.random() * slots.length);
  let isStale = false;

  return {
    schema,
    get isStale() {
      return isStale;
    },
    async write(body, { rows, compression, signal }) {
      const slot = slots[next++ % slots.length];
      if (slot === undefined) throw unexpected();
      const query = { uploadid: id, slotid: slot.id, schema_version: schemaVersion, ...common, record_count: String(rows) };
      const headers = {
        ...contentHeaders(compression),
        'content-length': String(body.length),
        'odps-tunnel-slot-num': String(slots.length),
        'odps-tunnel-routed-server': slot.server,
      };
      const { headers: answered } = await client.call({ service: 'tunnel', method: 'PUT', path, query, headers, body, signal });
      const count = answered['odps-tunnel-slot-num'];
      const server = answered['odps-tunnel-routed-server'];
      if (typeof count === 'string' && Number(count) !== slots.length) isStale = true;
      else if (typeof server === 'string' && server !== '') slot.server = server;
    },
  };
}

function readSession(answer: HttpAnswer) {
  noLegacyDates(answer);
  const { session_name, status, schema, schema_version, slots } = recordOf(parseJson(answer.body.toString('utf8')));
  if (typeof session_name !== 'string' || !Array.isArray(slots)) throw unexpected();
  return {
    id: session_name,
    status: String(status ?? 'normal').toLowerCase(),
    schema: readSchema(schema),
    schemaVersion: schema_version === undefined || schema_version === null ? undefined : String(schema_version),
    slots: slots.map(readSlot),
  };
}

function readSlot(value: unknown): Slot {
  if (!Array.isArray(value) || typeof value[1] !== 'string') throw unexpected();
  return { id: String(value[0]), server: value[1] };
}
