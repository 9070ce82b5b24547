import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import type { Compression } from './compress.ts';
import { contentHeaders, noLegacyDates } from './content.ts';
import type { HttpAnswer } from './request.ts';
import { ServiceError } from './service-error.ts';
import { parseJson, readSchema, recordOf, type TableName, type TableSchema, tablePath, unexpected } from './table.ts';

export interface UploadTarget extends TableName {
  /** As in `pt=2026-03-04 05`; undefined for tables without partitions. */
  readonly partition: string | undefined;
}

/** An upload session: blocks, counted from 0, that become visible with one commit. */
export interface Upload {
  readonly schema: TableSchema;
  /** Bytes that one field may have. */
  readonly maxFieldBytes: number | undefined;
  /** The same block may be written again, before the commit. */
  writeBlock(id: number, body: Buffer, about: { readonly compression: Compression; readonly signal: AbortSignal }): Promise<void>;
  /** Makes the first `blocks` blocks visible. */
  commit(blocks: number, signal: AbortSignal): Promise<void>;
  /** After a commit whose outcome is unclear: true once the rows are visible, false when the session is open still. Throws when nobody knows. */
  isCommitted(signal: AbortSignal): Promise<boolean>;
}

export const maxBlocks = 20_000;

/** Opens an upload session for one partition, which has to exist. */
export async function openUpload(client: Client, target: UploadTarget, signal: AbortSignal): Promise<Upload> {
  const path = tablePath(client, target);
  const { partition } = target;
  const answer = await client.call({ service: 'tunnel', method: 'POST', path, query: { uploads: '', partition }, signal });
  noLegacyDates(answer);
  const created = recordOf(parseJson(answer.body.toString('utf8')));
  const { UploadID: id, Schema, MaxFieldSize } = created;
  if (typeof id !== 'string' || id === '') throw unexpected();
  const query = { uploadid: id, partition };

  const reload = async (signal: AbortSignal): Promise<State> =>
    readState(await client.call({ service: 'tunnel', method: 'GET', path, query, signal }));

  return {
    schema: readSchema(Schema),
    maxFieldBytes: typeof MaxFieldSize === 'number' && MaxFieldSize > 0 ? MaxFieldSize : undefined,
    async writeBlock(block, body, { compression, signal }) {
      const headers = { ...contentHeaders(compression), 'transfer-encoding': 'chunked' };
      await client.call({ service: 'tunnel', method: 'PUT', path, query: { ...query, blockid: String(block) }, headers, body, signal });
    },
    async commit(blocks, signal) {
      const { blocks: stored } = await reload(signal);
      const isWhole = stored.size === blocks && Array.from({ length: blocks }, (_, block) => stored.has(block)).every(Boolean);
      if (!isWhole) throw new ServiceError(200, { code: 'InConsistentBlockList' });
      await client.call({ service: 'tunnel', method: 'POST', path, query, signal });
    },
    async isCommitted(signal) {
      for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 2_000)) {
        const { status } = await reload(signal);
        if (status === 'closed') return true;
        if (status === 'normal') return false;
        if (status !== 'closing' && status !== 'committing') throw new ServiceError(200, { code: 'InvalidStatusChange' });
        await sleep(waitMs, undefined, { signal });
      }
    },
  };
}

interface State {
  readonly status: string;
  readonly blocks: ReadonlySet<number>;
}

function readState({ body }: HttpAnswer): State {
  const { Status, UploadedBlockList } = recordOf(parseJson(body.toString('utf8')));
  const blocks: readonly unknown[] = Array.isArray(UploadedBlockList) ? UploadedBlockList : [];
  return { status: String(Status ?? 'normal').toLowerCase(), blocks: new Set(blocks.map((block) => Number(recordOf(block)['BlockID']))) };
}
