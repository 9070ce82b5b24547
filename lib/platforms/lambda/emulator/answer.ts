import { isObject } from '../../../core/field.ts';
import type { Origin } from '../../../core/record.ts';
import type { AcknowledgeMode } from '../../../core/settle.ts';
import type { KafkaTriggerEvent, KafkaTriggerRecord } from '../event.ts';

/** How an invocation ended. */
export type Answer =
  | { readonly kind: 'response'; readonly response: unknown }
  | { readonly kind: 'error'; readonly name: string; readonly message: string; readonly code?: string }
  | { readonly kind: 'timeout'; readonly afterMs: number }
  | { readonly kind: 'crash'; readonly message: string };

/** What the event source mapping makes of an answer. */
export type Resolution =
  | { readonly kind: 'repeat'; readonly because: string }
  | {
      readonly kind: 'settled';
      /** Where each partition goes on. */
      readonly next: readonly Origin[];
      /** From which offset on the partitions of the event are delivered again, by the event's name of the partition. */
      readonly againFrom: ReadonlyMap<string, number>;
      /** Failures that the function reported and the mapping does not look at: their records are lost. */
      readonly unseenFailures: number;
    };

/**
 * Reads an answer as Lambda's event source mapping does. Silence is success. In batch mode nobody looks at the failures of a response; in
 * partial mode a partition is committed up to its lowest listed offset, and an identifier that is not in the event repeats the whole batch.
 */
export function resolveAnswer(answer: Answer, event: KafkaTriggerEvent, mode: AcknowledgeMode): Resolution {
  if (answer.kind === 'error') return { kind: 'repeat', because: `${answer.code ?? answer.name}  ${answer.message}` };
  if (answer.kind === 'timeout') return { kind: 'repeat', because: `timed out after ${answer.afterMs / 1000} s` };
  if (answer.kind === 'crash') return { kind: 'repeat', because: answer.message };
  const failures = failuresOf(answer.response);
  if (mode === 'batch') return settled(event, new Map(), Array.isArray(failures) ? failures.length : 0);
  if (failures === undefined) return settled(event, new Map(), 0);
  const againFrom = Array.isArray(failures) ? lowestOffsets(failures, event) : undefined;
  return againFrom === undefined
    ? { kind: 'repeat', because: 'the function answered with batchItemFailures that are not in the event' }
    : settled(event, againFrom, 0);
}

function failuresOf(response: unknown): unknown {
  return isObject(response) ? (response['batchItemFailures'] ?? undefined) : undefined;
}

function lowestOffsets(failures: readonly unknown[], event: KafkaTriggerEvent): Map<string, number> | undefined {
  const lowest = new Map<string, number>();
  for (const failure of failures) {
    const identifier = isObject(failure) ? failure['itemIdentifier'] : undefined;
    if (!isObject(identifier)) return undefined;
    const { partition, offset } = identifier;
    if (typeof partition !== 'string' || typeof offset !== 'number' || !Object.hasOwn(event.records, partition)) return undefined;
    if (event.records[partition]?.some((record) => record.offset === offset) !== true) return undefined;
    lowest.set(partition, Math.min(offset, lowest.get(partition) ?? offset));
  }
  return lowest;
}

function settled(event: KafkaTriggerEvent, againFrom: ReadonlyMap<string, number>, unseenFailures: number): Resolution {
  const next = Object.entries(event.records).flatMap(([name, records]) => {
    const from = againFrom.get(name);
    const last = (from === undefined ? records : records.filter(({ offset }) => offset < from)).at(-1);
    return last === undefined ? [] : [after(last)];
  });
  return { kind: 'settled', next, againFrom, unseenFailures };
}

function after({ topic, partition, offset }: KafkaTriggerRecord): Origin {
  return { topic, partition, offset: offset + 1 };
}
