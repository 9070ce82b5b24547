import { Kafka, logLevel } from 'kafkajs';

export interface ShownLetter {
  readonly place: string;
  readonly from: string;
  readonly because: string;
  readonly bytes: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads the letters that were written to the topic since it ended at `from`, with a plain Kafka client. */
export async function readLetters(
  brokers: string,
  topic: string,
  from: ReadonlyMap<number, number>,
  count: number,
): Promise<readonly ShownLetter[]> {
  if (count === 0) return [];
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const groupId = `demo-look-${process.pid}-${Date.now()}`;
  const consumer = kafka.consumer({ groupId });
  const letters: ShownLetter[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  try {
    await new Promise<void>((resolve) => {
      const giveUp = setTimeout(resolve, 10_000);
      void consumer.run({
        autoCommit: false,
        async eachMessage({ partition, message }) {
          if (Number(message.offset) < (from.get(partition) ?? 0)) return;
          const headers = Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]));
          const at = (name: string) => headers[`__connect.errors.${name}`] ?? '';
          letters.push({
            place: `${topic}-${partition}@${message.offset}`,
            from: `${at('topic')}-${at('partition')}@${at('offset')}, by ${at('connector.name')}`,
            because: `${headers['sluice.code'] ?? ''}  ${at('exception.message')}`,
            bytes: message.value === null ? '' : message.value.toString('utf8'),
            headers,
          });
          if (letters.length < count) return;
          clearTimeout(giveUp);
          resolve();
        },
      });
    });
  } finally {
    await consumer.disconnect();
    const admin = kafka.admin();
    await admin.connect();
    await admin.deleteGroups([groupId]).catch(() => undefined); // the demo leaves no group of its own behind
    await admin.disconnect();
  }
  return letters;
}
