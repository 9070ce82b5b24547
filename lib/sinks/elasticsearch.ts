import { ConfigError, ConnectorError } from '../core/errors.ts';
import { fieldReader } from '../core/field.ts';
import type { KafkaRecord } from '../core/record.ts';
import type { ReadSecret } from '../core/secret.ts';
import { defineSink, type Outcome, type Sink } from '../core/sink.ts';
import { type Body, createBody } from './elasticsearch/body.ts';
import { type AppendLines, lineWriter, type Operation, sendBulk } from './elasticsearch/bulk.ts';
import { errorRules } from './elasticsearch/classification.ts';
import { openClient } from './elasticsearch/client.ts';
import { stampText } from './elasticsearch/document.ts';
import { idReader, routingReader } from './elasticsearch/identity.ts';
import { checkOptions, indexRoute, modeOf, nodesOf, type Options, options } from './elasticsearch/options.ts';
import { partitionWatch } from './elasticsearch/partitions.ts';
import { probeTarget } from './elasticsearch/probe.ts';
import { settleConflicts } from './elasticsearch/settle.ts';

const example = { node: 'http://localhost:9200', index: 'orders' };

export const elasticsearch = defineSink({
  name: 'elasticsearch',
  summary: 'Indexes records into Elasticsearch or OpenSearch with the bulk API.',
  config: options,
  check: checkOptions,
  guarantees(config) {
    const { guard, deletes } = modeOf(config);
    return {
      idempotent: !config.dataStream,
      ordered: guard !== 'none' && deletes !== 'hard',
      deletes: deletes !== 'ignore',
      partial: true,
    };
  },
  limits: ({ maxRecords, maxBytes }) => ({ records: maxRecords, bytes: maxBytes }),
  permissions: () => [],
  modes: [
    { name: 'documents by key', config: { ...example, write: 'index' } },
    { name: 'documents by key, hard deletes', config: { ...example, write: 'index', deletes: 'hard' } },
    { name: 'documents by a field, guarded by a field', config: { ...example, id: { fields: ['id'] }, guard: { field: 'updated' } } },
    { name: 'one new document per record', config: { ...example, write: 'create', id: 'record' } },
    { name: 'partial updates by key', config: { ...example, write: 'update' } },
    { name: 'data stream', config: { ...example, write: 'create', dataStream: true, id: 'record' } },
  ],
  errors: errorRules,
  async open(config, { secret, now }) {
    const { guard, deletes } = modeOf(config);
    const { write: operation, upsert, metadata, tls } = config;
    const stampField = metadata === false ? undefined : metadata;
    const route = indexRoute(config, now);
    const id = idReader(config.id);
    const append = lineWriter({
      ...{ write: operation, deletes, upsert, route, id },
      guard: typeof guard === 'object' ? fieldReader(guard.field) : guard,
      routing: config.routing === undefined ? undefined : routingReader(config.routing),
      stamp: stampField === undefined ? undefined : stampText(stampField, now),
    });
    const client = openClient({
      nodes: nodesOf(config.node),
      headers: await authorization(config, secret),
      ca: tls?.ca === undefined || typeof tls.ca === 'string' ? tls?.ca : await secret(tls.ca),
      verify: tls?.verify ?? true,
      compression: config.compression,
      timeoutMs: config.requestTimeoutMs,
      now,
    });
    const query = bulkQuery(config);
    const watch = guard === 'version' && stampField !== undefined ? partitionWatch(config.checkPartitions, stampField) : undefined;
    const missing = new Set<string>();

    const sink: Sink = {
      identity(record) {
        try {
          return `${route(record)}/${id(record)}`;
        } catch {
          return null; // it is refused when it is written
        }
      },
      async write(records, { signal }) {
        const body = createBody(records.reduce((bytes, { size }) => bytes + (size ?? 500) + 350, 0));
        const { outcomes, operations, positions } = appendAll(records, append, body);
        const bulk = { client, query, signal };
        const results = await (watch ?? sendBulk)(operations, body, bulk);
        const settled = await settleConflicts(operations, results, { ...bulk, body, stampField });
        for (const [at, outcome] of settled.entries()) {
          outcomes[positions[at] as number] = outcome;
          if (outcome instanceof ConfigError && outcome.code === 'SINK_TARGET_MISSING') missing.add((operations[at] as Operation).index);
        }
        return outcomes;
      },
      probe: ({ signal }) => probeTarget(client, missing, signal),
      close: () => client.close(),
    };
    return sink;
  },
});

/** The operations that make up the body, the place of each among the records, and the outcomes of the records that are none. */
function appendAll(records: readonly KafkaRecord[], append: AppendLines, body: Body) {
  const outcomes: Outcome[] = Array(records.length);
  const operations: Operation[] = [];
  const positions: number[] = [];
  for (const [position, record] of records.entries()) {
    try {
      const operation = append(record, body);
      if (operation === 'ignored') outcomes[position] = operation;
      else {
        operations.push(operation);
        positions.push(position);
      }
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
      outcomes[position] = error;
    }
  }
  return { outcomes, operations, positions };
}

async function authorization(
  { apiKey, bearer, username, password }: Options,
  secret: ReadSecret,
): Promise<Readonly<Record<string, string>>> {
  if (apiKey !== undefined) {
    const key = (await secret(apiKey)).trim();
    return { authorization: `ApiKey ${key.includes(':') ? base64(key) : key}` };
  }
  if (bearer !== undefined) return { authorization: `Bearer ${(await secret(bearer)).trim()}` };
  if (username === undefined || password === undefined) return {};
  return { authorization: `Basic ${base64(`${username}:${await secret(password)}`)}` };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function bulkQuery({ pipeline, requireAlias, refresh }: Options): Readonly<Record<string, string | boolean>> {
  return {
    filter_path: 'items.*.status,items.*.error.type,items.*.error.reason,items.*.error.index',
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(requireAlias ? { require_alias: true } : {}),
    ...(refresh === false ? {} : { refresh }),
  };
}
