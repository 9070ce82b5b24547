import { afterEach, beforeEach } from 'vitest';
import { parseConfig } from '../../lib/core/config.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { KafkaRecord } from '../../lib/core/record.ts';
import type { OpenContext, Outcome, Sink } from '../../lib/core/sink.ts';
import { maxcompute } from '../../lib/sinks/maxcompute.ts';
import { type RecordOptions, record } from '../support/records.ts';
import type { Row } from '../support/servers/maxcompute/record-stream.ts';
import type { RequestKind } from '../support/servers/maxcompute/request.ts';
import type { LoggedRequest } from '../support/servers/maxcompute.ts';
import {
  defaultAccount,
  type Fault,
  firstOf,
  type MaxComputeOptions,
  type MaxComputeServer,
  startMaxCompute,
} from '../support/servers/maxcompute.ts';

/** The columns that say where a row came from. */
export const originColumns = { topic: 'string', partition: 'bigint', offset: 'bigint' } as const;

/** The options with which every sink here finds the server, and the secrets that they name. */
export function connection({ endpoint, tunnelEndpoint, project }: Pick<MaxComputeServer, 'endpoint' | 'tunnelEndpoint' | 'project'>) {
  return { endpoint, tunnelEndpoint, project, credentials: { accessKeyId: { env: 'ID' }, accessKeySecret: { env: 'KEY' } } };
}

export const secrets: Readonly<Record<string, string>> = { ID: defaultAccount.accessId, KEY: defaultAccount.accessKey };

/** Opens a sink as a connector does. `known` may change between openings, as when a key is rotated. */
export async function openSink(
  options: object,
  { known = secrets, ...context }: Partial<OpenContext> & { readonly known?: Readonly<Record<string, string>> } = {},
): Promise<Sink> {
  const config = parseConfig(maxcompute.config, options, 'connector.sink');
  const problems = maxcompute.check?.(config) ?? [];
  if (problems.length > 0) throw new Error(problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  const secret = async (reference: object) => ('env' in reference ? (known[String(reference.env)] ?? '') : '');
  return maxcompute.open(config, { connector: 'test', log: silentLog, now: Date.now, secret, ...context });
}

/** Outcomes as `delivered`, or the class and code of the error. */
export function inWords(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => (typeof outcome === 'string' ? outcome : `${outcome.class} ${outcome.code}`));
}

/** The outcomes of a write that may also throw, which counts for all of them. */
export async function write(
  sink: Sink,
  records: readonly KafkaRecord[],
  signal = AbortSignal.timeout(20_000),
): Promise<readonly Outcome[]> {
  return sink.write(records, { signal });
}

/** A row without the columns that say where it came from. */
export function withoutOrigin({ topic: _topic, partition: _partition, offset: _offset, ...row }: Row): Row {
  return row;
}

type Context = Parameters<typeof openSink>[1];

/** A server with a table `things` for each test, and sinks that write values as text into it. */
export interface Bench {
  readonly server: MaxComputeServer;
  /** Another server in the place of the first. */
  restart(options: MaxComputeOptions): Promise<void>;
  open(options?: object, context?: Context): Promise<Sink>;
  closeLater<Kind extends Sink>(sink: Kind): Kind;
  /** What came first of the answers. */
  errorOf(sink: Sink): Promise<Outcome | undefined>;
  /** The offsets of the rows of a table, in order. */
  offsets(table?: string): number[];
  sent(kind: RequestKind): readonly LoggedRequest[];
  /** The next requests of these kinds meet the fault. */
  meet(kinds: readonly RequestKind[], fault: Fault, times?: number): void;
}

/** Registers what begins and ends the server with each test of the file. */
export function newBench(): Bench {
  let server: MaxComputeServer;
  let opened: Sink[] = [];
  const start = async (options: MaxComputeOptions = {}) => {
    server = await startMaxCompute(options);
    server.createTable('things', { columns: { ...originColumns, value: 'string' }, partitionedBy: { pt: 'string' } });
  };
  const closeLater = <Kind extends Sink>(sink: Kind): Kind => {
    opened.push(sink);
    return sink;
  };
  beforeEach(() => start());
  afterEach(async () => {
    await Promise.all(opened.map((sink) => sink.close?.()));
    opened = [];
    await server.stop();
  });
  return {
    get server() {
      return server;
    },
    async restart(options) {
      await server.stop();
      await start(options);
    },
    open: async (options = {}, context = {}) =>
      closeLater(await openSink({ ...connection(server), table: 'things', mode: 'value', ...options }, context)),
    closeLater,
    errorOf: async (sink) => (await write(sink, numbered(1)))[0],
    offsets: (table = 'things') =>
      server
        .rows(table)
        .map(({ offset }) => Number(offset))
        .toSorted((a, b) => a - b),
    sent: (kind) => server.requests.filter((request) => request.kind === kind),
    meet(kinds, fault, times = 1) {
      server.fault = firstOf(kinds, fault, times);
    },
  };
}

/** Records of one partition, with offsets from 0. */
export function numbered(count: number, options: RecordOptions = {}): KafkaRecord[] {
  return Array.from({ length: count }, (_, offset) => record('k', `value ${offset}`, { timestamp: 0, offset, ...options }));
}
