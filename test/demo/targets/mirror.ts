import { parseSource } from '../../../lib/sinks/kafka-topic/provenance.ts';
import { demoCluster, endOf } from '../load.ts';
import { differentOf, type Findings, shortened, type Target } from '../target.ts';
import { readRecords } from '../topic-reader.ts';

/** Another topic of the same Kafka. */
export function mirrorTarget({ brokers, label }: { readonly brokers: string; readonly label: string }): Target {
  return {
    connector: 'quakes-mirror',
    label: `${label}, as another topic of the same cluster`,
    through: 'read with a consumer of kafkajs',
    env: { MIRROR_BROKERS: brokers },
    readBack: () => mirroredRecords(brokers, 'mirror.quakes'),
    stop: async () => undefined,
  };
}

/** The records of a topic that mirrors another. */
async function mirroredRecords(brokers: string, topic: string): Promise<Findings> {
  const ends = await endOf(await demoCluster(brokers), topic);
  const total = [...ends.values()].reduce((sum, end) => sum + end, 0);
  const records = await readRecords(brokers, topic, new Map(), total);
  const sources = records.map(({ headers }) => headers['sluice.source'] ?? '');
  const [example] = records;
  const source = parseSource(example?.headers['sluice.source'] ?? '');
  const lines: Findings['lines'] =
    example === undefined || source === undefined
      ? []
      : [
          ['one record', `${example.place}  key=${example.key}  ${shortened(example.value?.toString() ?? '', 80)}`],
          [
            'headers',
            Object.entries(example.headers)
              .map(([name, text]) => `${name}=${text}`)
              .join('  '),
          ],
          ['from', `${source.topic}-${source.partition}@${source.offset}`],
        ];
  return { what: `records in ${topic}`, total: records.length, different: differentOf(sources), lines };
}
