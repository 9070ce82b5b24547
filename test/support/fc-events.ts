import type { SourceRecord } from '../../lib/core/record.ts';

/** The ways in which Function Compute's trigger hands a batch over. */
export const framings = {
  'CloudEvents as objects': (records: readonly SourceRecord[]) => records.map(cloudEvent),
  'CloudEvents as text': (records: readonly SourceRecord[]) => records.map((record) => JSON.stringify(cloudEvent(record))),
  'bare data': (records: readonly SourceRecord[]) => records.map(dataOf),
  'records of the old connector': (records: readonly SourceRecord[]) => records.map(legacy),
  'one object without a list': ([record]: readonly SourceRecord[]) => (record === undefined ? [] : cloudEvent(record)),
} as const;

export function eventOf(event: unknown): Buffer {
  return Buffer.from(JSON.stringify(event));
}

/** As the trigger's documentation shows it; key and value of text only. */
function cloudEvent(record: SourceRecord): Readonly<Record<string, unknown>> {
  return {
    specversion: '1.0',
    id: '8e215af8-ca18-4249-8645-f96c1026aaaa',
    source: 'acs:alikafka',
    type: 'alikafka:Topic:Message',
    subject: `acs:alikafka:alikafka_pre-cn-abc123:topic:${record.origin.topic}`,
    datacontenttype: 'application/json; charset=utf-8',
    time: '2026-11-21T08:00:00.589Z',
    aliyunaccountid: '1649015465570000',
    data: dataOf(record),
  };
}

function dataOf({ origin, timestamp, headers, key, value }: SourceRecord): Readonly<Record<string, unknown>> {
  return {
    ...origin,
    timestamp,
    headers: { headers: headers.map((header) => ({ key: header.key, value: textOf(header.value) })), isReadOnly: false },
    ...(key === null ? {} : { key: textOf(key) }),
    ...(value === null ? {} : { value: textOf(value) }),
  };
}

function legacy({ origin, timestamp, key, value }: SourceRecord): Readonly<Record<string, unknown>> {
  return {
    ...(key === null ? {} : { key: textOf(key) }),
    ...{ offset: origin.offset, overflowFlag: false, partition: origin.partition, timestamp, topic: origin.topic },
    ...(value === null ? {} : { value: textOf(value) }),
    valueSize: value?.length ?? 0,
  };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
