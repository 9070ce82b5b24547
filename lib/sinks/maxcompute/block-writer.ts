import type { Client } from '../../clients/maxcompute/client.ts';
import { compress } from '../../clients/maxcompute/compress.ts';
import { ServiceError } from '../../clients/maxcompute/service-error.ts';
import { addPartition } from '../../clients/maxcompute/sql.ts';
import { maxBlocks, openUpload, type Upload } from '../../clients/maxcompute/upload.ts';
import { ConfigError, RetriableError } from '../../core/errors.ts';
import type { KafkaRecord } from '../../core/record.ts';
import { toConnectorError, toSessionError } from './classification.ts';
import { type Encoded, encode } from './encode.ts';
import type { Options } from './options.ts';
import type { Pace } from './pace.ts';
import type { Tables } from './tables.ts';
import type { WriteGroup } from './write.ts';

/** A commit whose outcome nobody knows yet. */
interface Unsettled {
  readonly upload: Upload;
  readonly records: readonly string[];
}

const maxUnsettled = 100;

/** Writes groups through upload sessions: blocks counted from 0, and one commit that makes all of them visible. */
export function blockWriter({ client, config, tables, pace }: { client: Client; config: Options; tables: Tables; pace: Pace }): WriteGroup {
  const unsettled = new Map<string, Unsettled>();

  const open = async (table: string, partition: string | undefined, signal: AbortSignal): Promise<Upload> => {
    const target = { schema: config.schema, table, partition };
    pace.count('sessions', table);
    try {
      return await openUpload(client, target, signal);
    } catch (error) {
      const isMissing = error instanceof ServiceError && error.code === 'NoSuchPartition';
      if (!isMissing || partition === undefined || !config.createPartitions) throw error;
      await addPartition(client, target, partition, signal);
      pace.count('sessions', table);
      return await openUpload(client, target, signal);
    }
  };

  /** Whether a commit that these records were in has come through after all, as far as the service knows. */
  const wasCommitted = async (name: string, records: readonly KafkaRecord[], signal: AbortSignal): Promise<boolean> => {
    const pending = unsettled.get(name);
    if (pending === undefined || !isSame(pending.records, records)) return false;
    try {
      const isCommitted = await pending.upload.isCommitted(signal);
      unsettled.delete(name);
      return isCommitted;
    } catch (error) {
      if (error instanceof ServiceError && error.code === 'NoSuchUpload') unsettled.delete(name);
      throw error;
    }
  };

  const commit = async (
    name: string,
    upload: Upload,
    records: readonly KafkaRecord[],
    blocks: number,
    signal: AbortSignal,
  ): Promise<void> => {
    try {
      await upload.commit(blocks, signal);
    } catch (error) {
      if (!isUnclear(error, signal)) throw error;
      unsettled.set(name, { upload, records: records.map(versionName) });
      for (const oldest of unsettled.keys()) {
        if (unsettled.size <= maxUnsettled) break;
        unsettled.delete(oldest);
      }
      if (signal.aborted || !(await wasCommitted(name, records, signal))) throw error;
    }
  };

  return async ({ table, partition, records }, signal, settle) => {
    const name = `${table}/${partition ?? ''}`;
    const refuse = ({ refused }: Encoded): void => {
      for (const [record, error] of refused) settle([record], error);
    };
    let upload: Upload | undefined;
    try {
      let first = await tables.plan(table, signal);
      let encoded = encode(records, first, config.blockBytes);
      if (encoded.bodies.length === 0) {
        // Otherwise the session says how the table is now.
        first = (await tables.planOfToday(table, signal)).plan;
        encoded = encode(records, first, config.blockBytes);
      }
      const rows = rowsOf(encoded);
      if (rows.length === 0 || (await wasCommitted(name, rows, signal))) {
        refuse(encoded);
        return settle(rows, 'delivered');
      }
      upload = await open(table, partition, signal);
      const plan = await tables.planOf(table, upload.schema, upload.maxFieldBytes);
      if (plan !== first) encoded = encode(records, plan, config.blockBytes);
      refuse(encoded);
      if (encoded.bodies.length === 0) return;
      if (encoded.bodies.length > maxBlocks)
        throw new ConfigError('SINK_MISCONFIGURED', `Expected at most ${maxBlocks} blocks in a session. Raise connector.sink.blockBytes.`);
      for (const [block, body] of encoded.bodies.entries()) {
        if (signal.aborted) throw new RetriableError('ABORTED', 'The time for writing is over');
        await upload.writeBlock(block, await compress(body.rows, config.compression), { compression: config.compression, signal });
      }
      const written = rowsOf(encoded);
      pace.count('commits', table);
      await commit(name, upload, written, encoded.bodies.length, signal);
      settle(written, 'delivered');
    } catch (error) {
      const failure = upload === undefined ? toConnectorError(error, signal) : toSessionError(error, signal, config);
      if (failure.code === 'SINK_TABLE_CHANGED') tables.forget(table);
      throw failure;
    }
  };
}

/** The records that have rows. */
function rowsOf({ bodies }: Encoded): readonly KafkaRecord[] {
  return bodies.flatMap((body) => body.records);
}

/** Whether a commit may have come through although it failed. */
function isUnclear(error: unknown, signal: AbortSignal): boolean {
  if (!(error instanceof ServiceError)) return true;
  const collisions = [
    'DataCollisionException',
    'CloseUploadSessionStatusConflictException',
    'StatusConflict',
    'MetaTransactionFailed',
    'RequestTimeOut',
  ];
  return signal.aborted || error.status >= 500 || (error.code !== undefined && collisions.includes(error.code));
}

function versionName({ version: { topic, partition, offset, epoch }, part }: KafkaRecord): string {
  return `${topic}/${partition}/${epoch}/${offset}/${part}`;
}

function isSame(names: readonly string[], records: readonly KafkaRecord[]): boolean {
  return names.length === records.length && records.every((record, index) => versionName(record) === names[index]);
}
