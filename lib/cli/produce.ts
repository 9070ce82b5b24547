import { readFile } from 'node:fs/promises';
import type { OutgoingRecord } from '../clients/kafka/record-batch.ts';
import { ConfigError, type ConnectorError } from '../core/errors.ts';
import { fieldReader } from '../core/field.ts';
import { toJson } from '../core/json.ts';
import type { Header } from '../core/record.ts';
import { decodeJson } from '../formats/json.ts';
import { clusterSettings, openCluster } from './cluster.ts';
import type { CommandWorld } from './dev.ts';
import { readSamples } from './samples/sample-lines.ts';
import { readService } from './service.ts';
import { count, counted, terminal } from './terminal.ts';

export interface ProduceFlags {
  readonly config: string;
  readonly stage?: string;
  readonly brokers?: string;
  /** Lines, JSON lines or one JSON text; `-` for standard input. */
  readonly file?: string;
  readonly key?: string;
  /** A field of the JSON values, by its dotted name. */
  readonly keyField?: string;
  /** `name=value`. */
  readonly header?: readonly string[];
  readonly tombstone?: boolean;
  /** A file of samples, as `sluice sample` writes it: keys, values and headers as they were. */
  readonly samples?: string;
  readonly json?: boolean;
}

export interface ProduceWorld extends CommandWorld {
  readonly stdin: AsyncIterable<string | Uint8Array>;
}

/** Records of one send. */
const chunkRecords = 5_000;

/** Writes values to a topic: those given, the lines of a file, or of standard input. Answers the exit code. */
export async function produce(flags: ProduceFlags, topic: string, values: readonly string[], world: ProduceWorld): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const { cluster, brokers } = await openCluster(clusterSettings(await serviceCluster(flags, world), flags.brokers), world.env);
  const records = await readRecords(flags, topic, values, world);
  const producer = cluster.producer();
  let written = 0;
  let failure: ConnectorError | undefined;
  const from = performance.now();
  try {
    for (let start = 0; start < records.length && failure === undefined; start += chunkRecords) {
      const outcomes = await producer.send(records.slice(start, start + chunkRecords), { signal: world.signal });
      for (const outcome of outcomes) {
        if (outcome === 'sent') written++;
        else failure ??= outcome;
      }
    }
  } finally {
    await producer.close();
  }
  const seconds = Math.max(0.001, (performance.now() - from) / 1_000);
  if (flags.json === true) {
    const error = failure === undefined ? {} : { error: { code: failure.code, message: failure.message } };
    out.line(JSON.stringify({ topic, brokers, records: records.length, written, ...error }));
    return failure === undefined ? 0 : failure instanceof ConfigError ? 2 : 1;
  }
  const rate = written >= 1_000 ? `   ${count(Math.round(written / seconds))}/s` : '';
  out.line(`  ${counted(written, 'record')} written to ${topic} on ${brokers}${rate}`);
  if (failure === undefined) return 0;
  terminal(world.stderr, world.env).line(`  ${count(records.length - written)} not written: ${failure.code}  ${failure.message}`);
  return failure instanceof ConfigError ? 2 : 1;
}

/** With --brokers a service file is welcome, but not needed. */
async function serviceCluster({ config, stage, brokers }: ProduceFlags, { env }: CommandWorld): Promise<unknown> {
  try {
    return (await readService({ file: config, stage, env })).cluster;
  } catch (error) {
    if (brokers !== undefined && error instanceof ConfigError) return undefined;
    throw error;
  }
}

async function readRecords(flags: ProduceFlags, topic: string, values: readonly string[], world: ProduceWorld): Promise<OutgoingRecord[]> {
  const headers = (flags.header ?? []).map(parseHeader);
  if (flags.tombstone === true) {
    if (flags.key === undefined) throw usage('A tombstone needs a key: say --key KEY.');
    return [{ topic, key: Buffer.from(flags.key), value: null, headers }];
  }
  if (flags.samples !== undefined) {
    const samples = readSamples(await readInput(flags.samples, world), flags.samples, topic);
    return samples.map(({ source: { key, value, headers: own } }) => ({ topic, key, value, headers: [...own, ...headers] }));
  }
  const texts = values.length > 0 ? values : splitValues(await readInput(flags.file, world), flags.file ?? '');
  return texts.map((value, index) => ({ topic, key: keyOf(flags, value, index), value: Buffer.from(value), headers }));
}

/** Each line is a value; of a .json file, each element of its list, or the whole. */
function splitValues(text: string, file: string): string[] {
  if (file.endsWith('.json')) {
    const whole = readJson(text);
    if (Array.isArray(whole)) return whole.map(toJson);
    if (whole !== undefined) return [toJson(whole)];
  }
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

function keyOf({ key, keyField }: ProduceFlags, value: string, index: number): Uint8Array | null {
  if (keyField === undefined) return key === undefined ? null : Buffer.from(key);
  const json = readJson(value);
  if (json === undefined) throw usage(`Expected value ${index + 1} to be JSON, as --key-field reads a field of it. Nothing was written.`);
  const found = fieldReader(keyField)(json);
  if (found === undefined) throw usage(`Expected value ${index + 1} to have the field ${keyField}. Nothing was written.`);
  if (found === null) return null;
  return Buffer.from(typeof found === 'string' ? found : toJson(found));
}

function readJson(text: string): unknown {
  try {
    return decodeJson(Buffer.from(text), { topic: '', partition: 0, offset: 0 });
  } catch {
    return undefined;
  }
}

function parseHeader(text: string): Header {
  const at = text.indexOf('=');
  if (at < 1) throw usage('Expected --header to be name=value.');
  return { key: text.slice(0, at), value: Buffer.from(text.slice(at + 1)) };
}

async function readInput(file: string | undefined, { stdin }: ProduceWorld): Promise<string> {
  if (file !== undefined && file !== '-') {
    try {
      return await readFile(file, 'utf8');
    } catch (cause) {
      throw new ConfigError('USAGE', `There is no readable ${file}. Name a file with one value a line, or a .json file.`, { cause });
    }
  }
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function usage(message: string): ConfigError {
  return new ConfigError('USAGE', message);
}
