import { parseConfig } from '../../lib/core/config.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { KafkaRecord } from '../../lib/core/record.ts';
import type { OpenContext, Outcome, Sink } from '../../lib/core/sink.ts';
import { maxcompute } from '../../lib/sinks/maxcompute.ts';
import type { Row } from '../support/servers/maxcompute/record-stream.ts';
import { defaultAccount, type MaxComputeServer } from '../support/servers/maxcompute.ts';

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
