import type { OutgoingRecord, Stamp } from '../../clients/kafka/record-batch.ts';
import { ConfigError } from '../../core/errors.ts';
import { toJson } from '../../core/json.ts';
import type { Header, KafkaRecord } from '../../core/record.ts';
import type { Route } from '../../core/route.ts';
import { parseTemplate } from '../../core/template.ts';
import type { Options } from './options.ts';
import { headerText, provenanceHeaders, type StampFor } from './provenance.ts';

/** What is known of the two clusters; undefined where nobody asked. */
export interface Places {
  readonly stampFor: StampFor;
  readonly isSameCluster: boolean;
}

/** The record as it is produced, or 'ignored' when it has been in the target already. Throws a DataError for one that cannot be. */
export type ToOutgoing = (record: KafkaRecord) => OutgoingRecord | 'ignored';

/** Reads the options once. Bytes and text go out as they are, everything else as JSON. */
export function outgoing(config: Options, route: Route, now: () => number, places: () => Places | undefined): ToOutgoing {
  const keyOf = keyReader(config.key);
  const partitionKeyOf = config.partition === 'key' || config.partition === 'keep' ? undefined : textReader(config.partition, 'partition');
  const keepsPartition = config.partition === 'keep';
  const edit = headerEditor(config.headers);
  const keepsTime = config.timestamp === 'keep';

  return (record) => {
    const { origin } = record;
    const topic = route(record);
    const known = places();
    let headers = record.headers;
    let stamp: Stamp | undefined;
    if (known !== undefined) {
      if (known.isSameCluster && topic === origin.topic) throw sameTopic(topic);
      const isMirrored = headers.length > 0 && headers.some(isProvenance);
      stamp = known.stampFor(record, isMirrored ? headerText(headers, provenanceHeaders.chain) : undefined, topic);
      if (stamp === undefined) return 'ignored';
      if (isMirrored) headers = headers.filter((header) => !isProvenance(header));
    }
    if (edit !== undefined) headers = edit(headers, record);
    const made = {
      topic,
      key: keyOf(record),
      value: record.value === null ? null : (record.bytes ?? toBytes(record.value)),
      headers,
      timestamp: keepsTime ? record.timestamp : now(),
      stamp,
      stampNumber: stamp === undefined ? 0 : record.version.offset,
    };
    if (keepsPartition) return { ...made, partition: origin.partition };
    return partitionKeyOf === undefined ? made : { ...made, partitionKey: partitionKeyOf(record) };
  };
}

function sameTopic(topic: string): ConfigError {
  const message = `${topic} would be written to itself for ever: connector.sink.topic is the topic that is read, in the same cluster. Set it to another name, or connector.sink.cluster to another cluster.`;
  return new ConfigError('KAFKA_SAME_TOPIC', message);
}

function isProvenance({ key }: Header): boolean {
  return key === provenanceHeaders.source || key === provenanceHeaders.chain;
}

function keyReader(key: Options['key']): (record: KafkaRecord) => Uint8Array | null {
  if (key === 'none') return () => null;
  return key === 'keep' ? (record) => toBytes(record.key) : textReader(key, 'key');
}

function textReader(text: string, option: string): (record: KafkaRecord) => Uint8Array {
  const template = parseTemplate(text, `connector.sink.${option}`);
  return (record) => Buffer.from(template.render(record));
}

/** What the options change in headers; undefined when that is nothing. */
function headerEditor({ remove, rename, add }: Options['headers']) {
  const names = new Set(remove.filter((name) => !name.endsWith('*')));
  const prefixes = remove.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  const renamed = new Map(Object.entries(rename));
  const added = Object.entries(add).map(([key, text]) => ({ key, template: parseTemplate(text, `connector.sink.headers.add.${key}`) }));
  if (remove.length + renamed.size + added.length === 0) return undefined;
  const isRemoved = (key: string): boolean => names.has(key) || prefixes.some((prefix) => key.startsWith(prefix));
  return (headers: readonly Header[], record: KafkaRecord): readonly Header[] => {
    const edited: Header[] = [];
    for (const header of headers) {
      if (isRemoved(header.key)) continue;
      const name = renamed.get(header.key);
      edited.push(name === undefined ? header : { key: name, value: header.value });
    }
    for (const { key, template } of added) edited.push({ key, value: Buffer.from(template.constant ?? template.render(record)) });
    return edited;
  };
}

function toBytes(part: unknown): Uint8Array | null {
  if (part === null || part instanceof Uint8Array) return part;
  return Buffer.from(typeof part === 'string' ? part : toJson(part));
}
