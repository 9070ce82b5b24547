import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs, { Kafka, logLevel } from 'kafkajs';

export interface ReadRecord {
  /** `topic-partition@offset` */
  readonly place: string;
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

const giveUpMs = 10_000;

// The client has no codec for it of its own.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: ({ buffer }: { readonly buffer: Buffer }) => promisify(zstdCompress)(buffer),
  decompress: (buffer: Buffer) => promisify(zstdDecompress)(buffer),
});

/** Reads the records that were written to the topic since it ended at `from`, until there are `count`, with a plain Kafka client. */
export async function readRecords(
  brokers: string,
  topic: string,
  from: ReadonlyMap<number, number>,
  count: number,
): Promise<readonly ReadRecord[]> {
  if (count === 0) return [];
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const groupId = `demo-look-${process.pid}-${Date.now()}`;
  const consumer = kafka.consumer({ groupId });
  const records: ReadRecord[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  try {
    await new Promise<void>((resolve) => {
      const giveUp = setTimeout(resolve, giveUpMs);
      void consumer.run({
        autoCommit: false,
        async eachMessage({ partition, message: { offset, key, value, headers = {} } }) {
          if (Number(offset) < (from.get(partition) ?? 0)) return;
          const texts = Object.entries(headers).map(([name, text]) => [name, String(text)]);
          records.push({ place: `${topic}-${partition}@${offset}`, key: String(key), value, headers: Object.fromEntries(texts) });
          if (records.length < count) return;
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
  return records;
}
