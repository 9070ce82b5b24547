import type { Decoded } from './format.ts';
import type { Header, KafkaRecord, Origin, RecordSchema, SourceRecord, Version } from './record.ts';

/** A record that no transform touched: what the source has already is read from there, when somebody asks. */
export class ReceivedRecord implements KafkaRecord {
  readonly origin: Origin;
  readonly key: unknown;
  readonly value: unknown;
  readonly size: number;
  readonly schema: RecordSchema | undefined;
  private readonly source: SourceRecord;
  private readonly epoch: number;
  private readonly untouched: boolean;
  private known: Version | undefined;

  constructor(
    source: SourceRecord,
    origin: Origin,
    version: Version | undefined,
    epoch: number,
    key: Decoded | null,
    value: Decoded | null,
    size: number,
    untouched: boolean,
  ) {
    this.origin = origin;
    this.key = key === null ? null : key.value;
    this.value = value === null ? null : value.value;
    this.size = size;
    this.source = source;
    this.epoch = epoch;
    this.untouched = untouched;
    this.schema = value?.schema;
    this.known = version;
  }

  get part(): number {
    return 0;
  }

  get version(): Version {
    this.known ??= { topic: this.origin.topic, partition: this.origin.partition, offset: this.origin.offset, epoch: this.epoch };
    return this.known;
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

  get bytes(): Uint8Array | undefined {
    return this.untouched ? (this.source.value ?? undefined) : undefined;
  }
}
