import { toJson } from '../../core/json.ts';
import type { Header, KafkaRecord } from '../../core/record.ts';
import type { Body, Format } from './body.ts';

/** What is written of a record beside its value. */
export type Envelope = readonly ('metadata' | 'key' | 'headers')[];

/** One JSON value a line, or one JSON array of them. Bytes that nothing touched pass as they came. */
export function jsonFormat(layout: 'json-lines' | 'json-array', envelope: Envelope): Format {
  const appendRecord = envelope.length === 0 ? appendValue : envelopeAppender(envelope);
  if (layout === 'json-array')
    return {
      ...{ extension: '.json', contentType: 'application/json', header: '[\n', footer: '\n]\n', between: ',\n', foldsLines: false },
      append: appendRecord,
    };
  return {
    ...{ extension: '.jsonl', contentType: 'application/x-ndjson', header: '', footer: '', between: '', foldsLines: true },
    append(record, body) {
      appendRecord(record, body);
      body.lineEnd();
    },
  };
}

function appendValue(record: KafkaRecord, body: Body): void {
  const { bytes } = record;
  if (bytes === undefined) body.text(toJson(record.value));
  else body.bytes(bytes);
}

function envelopeAppender(envelope: Envelope): Format['append'] {
  const has = (field: Envelope[number]) => envelope.includes(field);
  const [metadata, key, headers] = [has('metadata'), has('key'), has('headers')];
  const metadataOf = metadataWriter();
  return (record, body) => {
    let start = '{';
    if (metadata) start += metadataOf(record);
    if (key) start += `"key":${record.key === null ? 'null' : toJson(record.key)},`;
    if (headers) start += `"headers":${record.headers.length === 0 ? '[]' : headersJson(record.headers)},`;
    body.text(`${start}"value":`);
    appendValue(record, body);
    body.text('}');
  };
}

/** Topic and partition are mostly those of the record before. */
function metadataWriter(): (record: KafkaRecord) => string {
  let last = { topic: '', partition: -1 };
  let start = '';
  return ({ version, part, timestamp }) => {
    const { topic, partition, offset, epoch } = version;
    if (topic !== last.topic || partition !== last.partition) {
      last = { topic, partition };
      start = `"topic":${JSON.stringify(topic)},"partition":${partition},"offset":`;
    }
    return `${start}${offset},"epoch":${epoch},"part":${part},"timestamp":${timestamp},`;
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A list, as names repeat: `value` where it is text, `base64` where it is not. */
export function headersJson(headers: readonly Header[]): string {
  return JSON.stringify(
    headers.map(({ key, value }) => {
      try {
        return { key, value: utf8.decode(value) };
      } catch {
        return { key, base64: Buffer.from(value).toString('base64') };
      }
    }),
  );
}
