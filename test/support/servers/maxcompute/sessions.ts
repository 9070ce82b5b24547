import type { Row } from './record-stream.ts';
import type { Table } from './store.ts';
import type { Column } from './types.ts';

export interface Session {
  readonly id: string;
  readonly table: Table;
  readonly partition: string;
  readonly quota: string;
  /** As they were when the session began. */
  readonly columns: readonly Column[];
  readonly schemaVersion: number;
  status: 'init' | 'normal' | 'closed' | 'expired';
}

export interface Upload extends Session {
  readonly overwrite: boolean;
  readonly blocks: Map<number, readonly Row[]>;
}

export interface Stream extends Session {
  readonly slots: number;
}

export interface Download extends Session {
  readonly rows: readonly Row[];
}

export function describeUpload(upload: Upload, maxFieldBytes: number): object {
  const { id, status, quota, overwrite, columns, table } = upload;
  return {
    UploadID: id,
    Status: status,
    Initiated: new Date().toUTCString(),
    Owner: 'ALIYUN$sluice',
    QuotaName: quota,
    IsOverwrite: overwrite,
    MaxFieldSize: maxFieldBytes,
    Schema: describeSchema(columns, table.partitionKeys),
    UploadedBlockList: describeBlocks(upload),
  };
}

export function describeBlocks({ blocks }: Upload): readonly object[] {
  return [...blocks].map(([block, rows]) => ({
    BlockID: block,
    FileName: `${block}_0_1`,
    RecordCount: rows.length,
    Version: 0,
    CreateTime: 0,
    Date: '',
    RawSize: 0,
  }));
}

export function describeDownload({ id, status, rows, columns, table, quota }: Download): object {
  const schema = describeSchema(columns, table.partitionKeys);
  return { DownloadID: id, Status: status, RecordCount: rows.length, Schema: schema, QuotaName: quota, SupportReadByRawSize: false };
}

export function describeStream({ id, status, quota, columns, schemaVersion, table, slots }: Stream, slotAddress: string): object {
  return {
    session_name: id,
    status,
    schema: describeSchema(columns, table.partitionKeys),
    schema_version: schemaVersion,
    slots: Array.from({ length: slots }, (_, slot) => [String(slot), slotAddress]),
    quota_name: quota,
    compress_mode: '',
    file_format: '',
  };
}

function describeSchema(columns: readonly Column[], partitionKeys: readonly Column[]): object {
  const describe = ({ name, declared, nullable }: Column) => ({
    column_id: '',
    name,
    type: declared,
    nullable,
    comment: '',
    default_value: '',
  });
  return { IsVirtualView: false, columns: columns.map(describe), partitionKeys: partitionKeys.map(describe) };
}
