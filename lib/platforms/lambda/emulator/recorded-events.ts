import { ConfigError } from '../../../core/errors.ts';
import { isObject } from '../../../core/field.ts';
import { type KafkaTriggerEvent, readBatch } from '../event.ts';
import type { EventSource } from './mapping.ts';

/** Reads recorded events: one as JSON, a list of them, or one a line. A document of a failure destination stands for the event it carries. Throws a ConfigError that says where. */
export function parseEvents(text: string, file: string): KafkaTriggerEvent[] {
  const whole = tryParse(text);
  const values = whole !== undefined ? (Array.isArray(whole) ? whole : [whole]) : parseLines(text, file);
  return values.map((value: unknown, index) => {
    const event = unwrap(value);
    try {
      for (const { key, value: bytes, headers } of readBatch(event)) void [key, bytes, headers];
    } catch (error) {
      throw new ConfigError('EVENT_MALFORMED', `${file}, event ${index + 1}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
    return event as KafkaTriggerEvent;
  });
}

/** Delivers recorded events one after the other; of one that fails in part, the rest comes again. */
export function recordedEvents(events: readonly KafkaTriggerEvent[]): EventSource {
  const waiting = [...events];
  let current: KafkaTriggerEvent | undefined;
  return {
    async take(signal) {
      current = signal.aborted ? undefined : waiting.shift();
      return current;
    },
    async settle(_, againFrom) {
      if (current === undefined || againFrom.size === 0) return;
      const records = Object.entries(current.records).flatMap(([name, list]) => {
        const from = againFrom.get(name);
        return from === undefined ? [] : [[name, list.filter(({ offset }) => offset >= from)] as const];
      });
      waiting.unshift({ ...current, records: Object.fromEntries(records) });
    },
    async close() {},
  };
}

function parseLines(text: string, file: string): unknown[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const value = tryParse(line);
    if (value === undefined)
      throw new ConfigError(
        'EVENT_MALFORMED',
        `Expected ${file}:${index + 1} to be JSON, got something else. Write one event a line, or one JSON text.`,
      );
    return [value];
  });
}

function unwrap(value: unknown): unknown {
  if (!isObject(value) || !('payload' in value)) return value;
  return typeof value['payload'] === 'string' ? tryParse(value['payload']) : value['payload'];
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
