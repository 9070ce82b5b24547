import { ConnectorError, DataError } from '../../core/errors.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { Outcome } from '../../core/sink.ts';
import { parseTemplate } from '../../core/template.ts';
import { type Event, versionName } from './notice.ts';
import type { Options } from './options.ts';
import { resolveReader, severityReader } from './severity.ts';

/** What a record says, or its outcome when it says nothing. */
export function eventReader({
  group,
  severity,
  resolve,
}: Pick<Options, 'group' | 'severity' | 'resolve'>): (record: KafkaRecord, position: number) => Event | Outcome {
  const severityOf = severityReader(severity);
  const isResolved = resolveReader(resolve);
  const groupOf = group === undefined ? versionName : parseTemplate(group, 'connector.sink.group').render;
  return (record, position) => {
    if (record.target !== undefined)
      return new DataError('TARGET_NOT_ALLOWED', `Record chose a target, and routes choose channels (${originName(record.origin)})`);
    const resolved = isResolved(record);
    if (resolved === undefined) return 'ignored';
    try {
      return { record, position, severity: severityOf(record), status: resolved ? 'resolved' : 'firing', group: groupOf(record) };
    } catch (error) {
      if (error instanceof ConnectorError) return error;
      throw error;
    }
  };
}

export function isEvent(read: Event | Outcome): read is Event {
  return typeof read === 'object' && 'record' in read;
}
