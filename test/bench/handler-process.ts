import { connect } from '../../lib/connect.ts';
import type { SourceRecord } from '../../lib/core/record.ts';
import { type KafkaTriggerEvent, toEvent } from '../../lib/platforms/lambda/event.ts';
import { type FunctionSettings, settingsKey } from '../../lib/platforms/lambda/function-settings.ts';
import { memory, memoryStore } from '../../lib/sinks/memory.ts';
import { order } from './orders.ts';
import { answer } from './subprocess.ts';

/** Milliseconds of CPU that each round took. */
export interface RoundTimes {
  readonly floor: readonly number[];
  readonly handler: readonly number[];
}

const partitions = 4;

answer(async ({ records, rounds }: { readonly records: number; readonly rounds: number }): Promise<RoundTimes> => {
  const text = eventText(records);
  Reflect.set(globalThis, settingsKey, settings);
  const handler = connect({ sink: memory });
  const floor: number[] = [];
  const handled: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floor.push(await cpuMs(async () => expect(parseOnly(text), records)));
    handled.push(
      await cpuMs(async () => {
        const { batchItemFailures } = await handler(JSON.parse(text) as KafkaTriggerEvent);
        expect(batchItemFailures.length, 0);
      }),
    );
    expect(memoryStore('default').copies.length, records);
    memoryStore('default').copies.length = 0;
  }
  return { floor, handler: handled };
});

// Appending is the least that a sink can do: what is measured is the way to it.
const settings: FunctionSettings = {
  service: 'shop',
  stage: 'bench',
  name: 'orders-to-memory',
  connector: { trigger: { topic: 'orders' }, sink: { type: 'memory', write: 'append' }, acceptDuplicates: true },
};

/** What Lambda would send for this many orders. */
function eventText(records: number): string {
  const batch = Array.from({ length: records }, (_, id): SourceRecord => {
    const origin = { topic: 'orders', partition: id % partitions, offset: Math.floor(id / partitions) };
    const headers = [{ key: 'source', value: Buffer.from('shop-7') }];
    const key = Buffer.from(String(id));
    return {
      origin,
      timestamp: 1_790_000_000_000 + id,
      timestampType: 'create',
      headers,
      key,
      value: Buffer.from(JSON.stringify(order(id))),
    };
  });
  return JSON.stringify(toEvent(batch));
}

/** The floor: nothing that reads such an event and its values does less. Answers how many records there were. */
function parseOnly(text: string): number {
  const event = JSON.parse(text) as KafkaTriggerEvent;
  let count = 0;
  for (const records of Object.values(event.records)) {
    for (const { value } of records) {
      JSON.parse(Buffer.from(value ?? '', 'base64').toString());
      count++;
    }
  }
  return count;
}

/** CPU time, as others may be at work on the same machine. */
async function cpuMs(work: () => Promise<void>): Promise<number> {
  const from = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
}

function expect(found: number, expected: number): void {
  if (found !== expected) throw new Error(`Expected ${expected}, found ${found}: a wrong answer is not worth measuring.`);
}
