import type { KafkaRecord } from '../../core/record.ts';
import { versionName } from './notice.ts';

/** What some channels were told and others not yet. Only saves repetitions while this process lives. */
export interface Unfinished {
  wasTold(record: KafkaRecord, channel: string): boolean;
  /** Replaces what was known of the record; nothing to know forgets it. */
  remember(record: KafkaRecord, told: readonly string[]): void;
}

const maxRecords = 10_000;

const known = new WeakMap<object, Unfinished>();

/** What is known for these options: it outlives the sink, which is opened again when one of the channels refuses its credentials. */
export function unfinishedOf(config: object): Unfinished {
  const found = known.get(config) ?? unfinished();
  known.set(config, found);
  return found;
}

function unfinished(): Unfinished {
  const told = new Map<string, readonly string[]>();
  return {
    wasTold: (record, channel) => told.size > 0 && (told.get(versionName(record))?.includes(channel) ?? false),
    remember(record, channels) {
      const name = versionName(record);
      told.delete(name);
      if (channels.length === 0) return;
      told.set(name, channels);
      if (told.size > maxRecords) for (const oldest of told.keys()) return void told.delete(oldest);
    },
  };
}
