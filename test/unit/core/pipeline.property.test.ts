import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acknowledge, nextOffsets } from '../../../lib/core/acknowledge.ts';
import { ConfigError, DataError, RetriableError } from '../../../lib/core/errors.ts';
import { type KafkaRecord, originName, type SourceRecord } from '../../../lib/core/record.ts';
import type { AcknowledgeMode } from '../../../lib/core/settle.ts';
import type { Outcome, Sink } from '../../../lib/core/sink.ts';
import type { Transform } from '../../../lib/core/transform.ts';
import { connectorAround } from '../../support/connector.ts';
import { sourceRecord } from '../../support/records.ts';

/** What becomes of one source record; an array is a fan-out with a fate for each part. */
type Fate =
  | 'delivered'
  | 'ignored'
  | 'dropped'
  | 'data'
  | 'retriable'
  | 'config'
  | 'transform-data'
  | 'transform-retriable'
  | readonly PartFate[];
type PartFate = 'delivered' | 'ignored' | 'data' | 'retriable' | 'config';

const partFate = fc.constantFrom<PartFate>('delivered', 'delivered', 'ignored', 'data', 'retriable', 'config');
const fate = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fate>('delivered') },
  {
    weight: 6,
    arbitrary: fc.constantFrom<Fate>('ignored', 'dropped', 'data', 'retriable', 'config', 'transform-data', 'transform-retriable'),
  },
  { weight: 2, arbitrary: fc.array(partFate, { minLength: 0, maxLength: 4 }) as fc.Arbitrary<Fate> },
);
const scenario = fc.record({
  records: fc.array(fc.record({ partition: fc.nat({ max: 2 }), fate }), { maxLength: 25 }),
  mode: fc.constantFrom<AcknowledgeMode>('partial', 'batch'),
  dataErrors: fc.constantFrom('dead-letter' as const, 'skip' as const, 'block' as const),
  failingLetters: fc.array(fc.nat({ max: 24 }), { maxLength: 3 }),
  throwing: fc.boolean(),
  asynchronous: fc.boolean(),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

const errors = {
  data: new DataError('BAD', 'bad'),
  retriable: new RetriableError('DOWN', 'down'),
  config: new ConfigError('WRONG', 'wrong'),
};

interface Run {
  readonly batch: readonly SourceRecord[];
  readonly fates: ReadonlyMap<string, Fate>;
  readonly delivered: ReadonlySet<string>;
  readonly letters: readonly string[];
  readonly acknowledged: ReadonlySet<string>;
}

async function run({ records, mode, dataErrors, failingLetters, throwing, asynchronous }: Scenario): Promise<Run> {
  const offsets = [0, 0, 0];
  const fates = new Map<string, Fate>();
  const batch = records.map(({ partition, fate: each }) => {
    const source = sourceRecord('k', 'v', { partition, offset: (offsets[partition] ?? 0) * 3 });
    offsets[partition] = (offsets[partition] ?? 0) + 1;
    fates.set(originName(source.origin), each);
    return source;
  });
  const delivered = new Set<string>();
  const sink: Sink = {
    async write(all) {
      return all.map((record): Outcome => {
        const each = fates.get(originName(record.origin)) ?? 'delivered';
        const own = typeof each === 'string' ? each : (each[record.part] ?? 'delivered');
        if (own === 'data' || own === 'retriable' || own === 'config') return errors[own];
        delivered.add(`${originName(record.origin)}#${record.part}`);
        return own === 'ignored' ? 'ignored' : 'delivered';
      });
    },
  };
  const change = (record: KafkaRecord): KafkaRecord | KafkaRecord[] | null => {
    const each = fates.get(originName(record.origin)) ?? 'delivered';
    if (each === 'dropped') return null;
    if (each === 'transform-data') throw new TypeError('no');
    if (each === 'transform-retriable') throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    return typeof each === 'string' ? { ...record } : each.map(() => ({ ...record }));
  };
  const transform: Transform = asynchronous ? async (record) => change(record) : (record) => change(record);
  const letters: string[] = [];
  let written = 0;
  const writer: Sink = {
    async write(all) {
      if (throwing && failingLetters.length > 0) throw new Error('producer is gone');
      return all.map((letter): Outcome => {
        if (failingLetters.includes(written++)) return errors.retriable;
        letters.push(originName(letter.origin));
        return 'delivered';
      });
    },
  };
  const decode = (bytes: Uint8Array) => ({ value: Buffer.from(bytes).toString() });
  const connector = connectorAround(sink, {
    dataErrors,
    letters: dataErrors === 'dead-letter' ? { writer, topic: 'orders.dlq' } : undefined,
    preparation: {
      decodeKey: decode,
      decodeValue: decode,
      carriesJson: false,
      ready: [],
      transform,
      tombstones: 'pass',
      epoch: 0,
      believesReplays: () => false,
    },
  });
  const settlement = await connector.process(batch, { mode, deadline: Date.now() + 10_000_000_000 });
  let again: ReadonlySet<string>;
  try {
    again = new Set(acknowledge(settlement).map(originName));
  } catch {
    again = new Set(batch.map(({ origin }) => originName(origin)));
  }
  const acknowledged = new Set(batch.map(({ origin }) => originName(origin)).filter((name) => !again.has(name)));
  const committed = new Map(nextOffsets(settlement).map(({ partition, offset }) => [partition, offset]));
  for (const { origin } of batch)
    expect(acknowledged.has(originName(origin)), 'response and commit agree').toBe(origin.offset < (committed.get(origin.partition) ?? 0));
  return { batch, fates, delivered, letters, acknowledged };
}

function parts(fateOfRecord: Fate): readonly PartFate[] {
  return typeof fateOfRecord === 'string'
    ? ['delivered', 'ignored', 'data', 'retriable', 'config'].includes(fateOfRecord)
      ? [fateOfRecord as PartFate]
      : []
    : fateOfRecord;
}

function hasDataErrorOnly(each: Fate): boolean {
  return (
    each === 'transform-data' || (parts(each).includes('data') && !parts(each).includes('retriable') && !parts(each).includes('config'))
  );
}

describe('any batch, any mix of outcomes, any fan-out, in both modes, with letters that fail at any point', () => {
  it('acknowledges nothing that is not delivered, dropped by the transform, put aside on request, or dead-lettered', () =>
    fc.assert(
      fc.asyncProperty(scenario, async (input) => {
        const { fates, delivered, letters, acknowledged } = await run(input);
        for (const name of acknowledged) {
          const each = fates.get(name) ?? 'delivered';
          const safe =
            each === 'dropped' ||
            (hasDataErrorOnly(each) && (input.dataErrors === 'skip' || letters.includes(name))) ||
            (parts(each).every((own, part) => (own === 'delivered' || own === 'ignored') && delivered.has(`${name}#${part}`)) &&
              each !== 'transform-data' &&
              each !== 'transform-retriable');
          expect(safe, `${name} ${JSON.stringify(each)}`).toBe(true);
        }
      }),
      { numRuns: 400 },
    ));

  it('acknowledges a prefix of each partition', () =>
    fc.assert(
      fc.asyncProperty(scenario, async (input) => {
        const { batch, acknowledged } = await run(input);
        for (const partition of [0, 1, 2]) {
          const own = batch
            .filter(({ origin }) => origin.partition === partition)
            .map(({ origin }) => acknowledged.has(originName(origin)));
          expect(own.lastIndexOf(true) < (own.indexOf(false) === -1 ? own.length : own.indexOf(false))).toBe(true);
        }
      }),
      { numRuns: 400 },
    ));

  it('dead-letters poison once it is settled, and only then', () =>
    fc.assert(
      fc.asyncProperty(scenario, async (input) => {
        const { batch, fates, letters, acknowledged } = await run(input);
        expect(new Set(letters).size).toBe(letters.length);
        if (input.failingLetters.length > 0) return; // letters before a failed one may come again
        for (const name of letters) expect(acknowledged.has(name), `${name} has a letter but comes again`).toBe(true);
        if (input.dataErrors !== 'dead-letter') return;
        for (const { origin } of batch) {
          const name = originName(origin);
          if (acknowledged.has(name) && hasDataErrorOnly(fates.get(name) ?? 'delivered')) expect(letters).toContain(name);
        }
      }),
      { numRuns: 400 },
    ));

  it('acknowledges all or nothing in batch mode', () =>
    fc.assert(
      fc.asyncProperty(scenario, async (input) => {
        const { batch, acknowledged } = await run({ ...input, mode: 'batch' });
        expect([0, batch.length]).toContain(acknowledged.size);
      }),
      { numRuns: 300 },
    ));

  it('acknowledges everything where nothing goes wrong', () =>
    fc.assert(
      fc.asyncProperty(scenario, async (input) => {
        const harmless = input.records.map((each) => ({ ...each, fate: each.fate === 'dropped' ? each.fate : ('delivered' as const) }));
        const { batch, acknowledged } = await run({ ...input, records: harmless });
        expect(acknowledged.size).toBe(batch.length);
      }),
    ));
});
