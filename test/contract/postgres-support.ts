import pg from 'pg';
import { parseConfig } from '../../lib/core/config.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { KafkaRecord } from '../../lib/core/record.ts';
import type { Outcome, Sink } from '../../lib/core/sink.ts';
import { postgres } from '../../lib/sinks/postgres.ts';
import { record as buildRecord, type RecordOptions } from '../support/records.ts';
import type { SharedServers } from '../support/servers/shared.ts';

/** A database of its own, a client that looks into it, and sinks that write to it. */
export interface Workbench {
  readonly client: pg.Client;
  open(config: object, options?: { readonly now?: () => number; readonly secret?: string }): Promise<Sink>;
  rows(query: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export async function openWorkbench(server: SharedServers['postgres'], database: string): Promise<Workbench> {
  const admin = new pg.Client(server.url);
  await admin.connect();
  await admin.query(`drop database if exists ${database} with (force)`);
  await admin.query(`create database ${database}`);
  const client = new pg.Client({ ...server, database });
  await client.connect();
  const opened: Sink[] = [];
  return {
    client,
    async open(config, { now = Date.now, secret = server.password } = {}) {
      const address =
        'url' in config ? {} : { host: server.host, port: server.port, database, user: server.user, password: { env: 'PASSWORD' } };
      const parsed = parseConfig(postgres.config, { ...address, ...config }, 'connector.sink');
      const problems = postgres.check?.(parsed) ?? [];
      if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
      const sink = await postgres.open(parsed, { connector: 'test', log: silentLog, now, secret: async () => secret });
      opened.push(sink);
      return sink;
    },
    rows: async (query) => (await client.query(query)).rows,
    async close() {
      for (const sink of opened) await sink.close?.();
      await client.end();
      await admin.query(`drop database if exists ${database} with (force)`);
      await admin.end();
    },
  };
}

export const signal = new AbortController().signal;

/** A record whose bytes are this JSON text, as `deliver` passes it on when nothing touched it. */
export function rawRecord(key: string | null, json: string, options: RecordOptions = {}): KafkaRecord {
  const bytes = Buffer.from(json);
  return { ...buildRecord(key, JSON.parse(json), options), bytes, size: bytes.length };
}

/** Outcomes in words: delivered, ignored, or the code of the error. */
export function codes(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => (typeof outcome === 'string' ? outcome : `${outcome.class} ${outcome.code}`));
}
