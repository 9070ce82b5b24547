import type { Header, KafkaRecord, Origin, RecordSchema, Version } from '../../../core/record.ts';
import type { Fields } from './change.ts';

/** A record as it were if its value were the row that it tells of. */
export class ChangeRecord implements KafkaRecord {
  readonly key: unknown;
  readonly value: Fields | null;
  readonly schema: RecordSchema | undefined;
  private readonly source: KafkaRecord;

  constructor(source: KafkaRecord, row: Fields | null) {
    this.source = source;
    this.key = source.key;
    this.value = row;
    this.schema = source.schema;
  }

  get origin(): Origin {
    return this.source.origin;
  }

  get version(): Version {
    return this.source.version;
  }

  get part(): number {
    return this.source.part;
  }

  get timestamp(): number {
    return this.source.timestamp;
  }

  get timestampType(): 'create' | 'append' {
    return this.source.timestampType;
  }

  get headers(): readonly Header[] {
    return this.source.headers;
  }
}
