import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DataError, RetriableError } from '../../../../lib/core/errors.ts';
import type { KafkaRecord } from '../../../../lib/core/record.ts';
import type { Outcome, Sink, Unsent } from '../../../../lib/core/sink.ts';
import { lake } from '../../../support/lake.ts';
import { type Fault, type MemoryObjectStore, memoryObjectStore } from '../../../support/memory-object-store.ts';
import { record } from '../../../support/records.ts';

/** What a transform makes of one source record: parts with their paths; none drops it. */
interface Source {
  /** Offsets that Kafka skips before it. */
  readonly gap: number;
  readonly parts: readonly { readonly path: string; readonly poison: 'none' | 'path' | 'value' }[];
  readonly undecodable: boolean;
}

interface Step {
  /** How many records of each partition the gather has. */
  readonly sizes: readonly [number, number];
  /** Which request goes wrong, counting from 0, and how; after a crash nothing arrives any more. */
  readonly fault: {
    readonly at: number;
    readonly kind: 'crash before' | 'crash after' | 'lost before' | 'lost after' | 'lands later';
  } | null;
  /** At which request what was under way arrives after all. */
  readonly lands: number;
  /** The gather went well, and its acknowledgement got lost. */
  readonly isCommitLost: boolean;
  /** Records of this share of each log can be decoded from now on. */
  readonly heals: number;
  readonly connector: 0 | 1;
  /** Which of two processes of the connector has the gather; each remembers what it saw until it crashes. */
  readonly instance: 0 | 1;
}

const source: fc.Arbitrary<Source> = fc.record({
  gap: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.nat(3) },
    { weight: 1, arbitrary: fc.constant(40_000) },
  ),
  parts: fc.array(
    fc.record({
      path: fc.constantFrom('a', 'a', 'b', 'c'),
      poison: fc.constantFrom('none', 'none', 'none', 'none', 'none', 'none', 'path', 'value'),
    }),
    { minLength: 0, maxLength: 3 },
  ),
  undecodable: fc.boolean().chain((one) => (one ? fc.boolean() : fc.constant(false))),
});

const step = (kinds: readonly NonNullable<Step['fault']>['kind'][]): fc.Arbitrary<Step> =>
  fc.record({
    sizes: fc.tuple(fc.nat(8), fc.nat(8)),
    fault: fc.option(fc.record({ at: fc.nat(14), kind: fc.constantFrom(...kinds) })),
    lands: fc.nat(8),
    isCommitLost: fc.boolean(),
    heals: fc.nat(4),
    connector: fc.constantFrom(0, 1),
    instance: fc.constantFrom(0, 1),
  });

const limits = fc.record({ maxRecords: fc.constantFrom(1, 2, 5, 1_000), concurrency: fc.constantFrom(1, 8) });
const topic = 'quakes';
const timestampOf = (offset: number): number => 1_760_000_000_000 + offset;
const connectors = ['one', 'one-more'] as const;

interface Letter {
  readonly partition: number;
  readonly index: number;
  /** Undefined for all of them. */
  readonly parts: readonly number[] | undefined;
}

/** One connector with its consumer group and its dead letters. */
class Group {
  readonly committed: [number, number] = [0, 0];
  readonly letters: Letter[] = [];
  readonly instances: [Sink, Sink];
  readonly open: () => Sink;
  constructor(open: () => Sink) {
    this.open = open;
    this.instances = [open(), open()];
  }
}

class World {
  readonly store: MemoryObjectStore = memoryObjectStore();
  readonly groups: readonly Group[];
  readonly logs: readonly (readonly (Source & { readonly offset: number })[])[];
  readonly healed = new Set<string>();

  constructor(logs: readonly (readonly Source[])[], options: object) {
    this.groups = connectors.map(
      (connector) => new Group(() => lake(this.store, { path: 'lake/{value.path}', allow: ['lake/*'], ...options }, { connector })),
    );
    this.logs = logs.map((log) => {
      let offset = -1;
      return log.map((each) => {
        offset += 1 + each.gap;
        return { ...each, offset };
      });
    });
  }

  isHealthy(partition: number, index: number): boolean {
    return this.healed.has(`${partition}.${index}`);
  }

  heal(partition: number, share: number): void {
    for (const index of this.logs[partition]!.keys()) if (index % 4 < share) this.healed.add(`${partition}.${index}`);
  }

  /** What a transform makes of a record now; undefined when it cannot be decoded. */
  outputs(partition: number, index: number): KafkaRecord[] | undefined {
    const { offset, parts, undecodable } = this.logs[partition]![index]!;
    const healthy = this.isHealthy(partition, index);
    if (undecodable && !healthy) return undefined;
    return parts.map(({ path, poison }, part) => {
      const id = `${partition}-${offset}-${part}`;
      const value = {
        id,
        ...(poison === 'path' && !healthy ? {} : { path }),
        ...(poison === 'value' && !healthy ? { bad: Number.NaN } : {}),
      };
      return record('k', value, { topic, partition, offset, part, timestamp: timestampOf(offset), raw: poison === 'none' });
    });
  }

  async play({ sizes, fault, lands, isCommitLost, heals, connector, instance }: Step): Promise<void> {
    for (const partition of [0, 1]) this.heal(partition, heals);
    const group = this.groups[connector]!;
    const records: KafkaRecord[] = [];
    const unsent: Unsent[] = [];
    const owners: { readonly partition: number; readonly index: number }[] = [];
    const slices = [0, 1].map((partition) => {
      const from = group.committed[partition]!;
      const to = Math.min(this.logs[partition]!.length, from + sizes[partition]!);
      for (let index = from; index < to; index++) {
        const outputs = this.outputs(partition, index);
        const origin = { topic, partition, offset: this.logs[partition]![index]!.offset };
        if (outputs === undefined) unsent.push({ origin, timestamp: timestampOf(origin.offset), why: 'rejected' });
        else if (outputs.length === 0) unsent.push({ origin, timestamp: timestampOf(origin.offset), why: 'dropped' });
        for (const each of outputs ?? []) {
          records.push(each);
          owners.push({ partition, index });
        }
      }
      return { partition, from, to };
    });
    const outcomes = await this.writeWith(group.instances[instance], records, unsent, fault, lands);
    if (outcomes === 'crashed') {
      group.instances[instance] = group.open();
      return;
    }
    for (const { partition, from, to } of slices) {
      const own = outcomes.filter((_, position) => owners[position]!.partition === partition);
      for (const outcome of own) expect(outcome).not.toMatchObject({ class: 'config' });
      if (own.some((outcome) => outcome instanceof RetriableError)) {
        expect(new Set(own).size).toBe(1); // the partition has one outcome
        continue;
      }
      for (let index = from; index < to; index++) {
        if (this.outputs(partition, index) === undefined) group.letters.push({ partition, index, parts: undefined });
        const failed = outcomes.flatMap((outcome, position) =>
          outcome instanceof DataError && owners[position]!.partition === partition && owners[position]!.index === index
            ? [records[position]!.part]
            : [],
        );
        if (failed.length > 0) group.letters.push({ partition, index, parts: failed });
      }
      if (!isCommitLost) group.committed[partition] = to;
    }
  }

  async writeWith(
    sink: Sink,
    records: readonly KafkaRecord[],
    unsent: readonly Unsent[],
    fault: Step['fault'],
    lands: number,
  ): Promise<readonly Outcome[] | 'crashed'> {
    let requests = 0;
    let crashed = false;
    this.store.fault = (operation): Fault => {
      const at = requests++;
      if (at === lands) this.store.land();
      if (crashed) return 'lost before';
      if (at !== fault?.at) return undefined;
      crashed = fault.kind.startsWith('crash');
      if (fault.kind === 'lands later') return operation === 'create' ? 'lands later' : 'lost before';
      return fault.kind.endsWith('after') ? 'lost after' : 'lost before';
    };
    const outcomes = await sink.write(records, { signal: new AbortController().signal, unsent: () => unsent });
    this.store.fault = () => undefined;
    return crashed ? 'crashed' : outcomes;
  }

  /** Everything can be decoded and nothing goes wrong any more: the rest is read, the letters are replayed, and all is read once more. */
  async settle(): Promise<void> {
    for (const partition of [0, 1]) this.heal(partition, 4);
    this.store.land();
    const calm = { fault: null, lands: 0, isCommitLost: false, heals: 0, instance: 0 } as const;
    for (const connector of [0, 1] as const) {
      const group = this.groups[connector]!;
      const drain = async (sizes: readonly [number, number]) => {
        const isDone = () => this.logs.every((log, partition) => group.committed[partition]! >= log.length);
        for (let rounds = 0; !isDone(); rounds++) {
          expect(rounds).toBeLessThan(20); // without faults every gather is committed
          await this.play({ ...calm, sizes, connector });
        }
      };
      await drain([7, 5]);
      const replays = group.letters.flatMap(({ partition, index, parts }, offset) =>
        this.outputs(partition, index)!
          .filter(({ part }) => parts === undefined || parts.includes(part))
          .map((each): KafkaRecord => ({ ...each, origin: { topic: 'quakes.dlq', partition: 0, offset } })),
      );
      const outcomes = await group.instances[1].write(replays, { signal: new AbortController().signal });
      for (const outcome of outcomes) expect(outcome).toBe('delivered');
      this.expectEachOnce(connector);
      group.committed.fill(0);
      await drain([3, 4]);
      this.expectEachOnce(connector);
    }
  }

  expectEachOnce(connector: 0 | 1): void {
    expect(this.listing(connectors[connector]).sort()).toEqual(this.expected().sort());
  }

  /** The ids in all objects of a connector. */
  listing(connector: string): string[] {
    return [...this.store.objects].flatMap(([name, { body, metadata }]) => {
      if (!name.includes(`/${connector}+`)) return [];
      const lines = Buffer.from(body).toString().split('\n').slice(0, -1);
      expect(lines.length).toBe(Number(metadata['sluice-count']));
      expect(Buffer.byteLength(metadata['sluice-rejected'] ?? '')).toBeLessThanOrEqual(1_024);
      return lines.map((line) => {
        const { id, path } = JSON.parse(line) as { id: string; path: string };
        expect(name.startsWith(`lake/${path}/`)).toBe(true);
        return id;
      });
    });
  }

  expected(): string[] {
    return this.logs.flatMap((log, partition) =>
      log.flatMap(({ offset, parts }) => parts.map((_, part) => `${partition}-${offset}-${part}`)),
    );
  }
}

const logs = fc.tuple(fc.array(source, { maxLength: 24 }), fc.array(source, { maxLength: 12 }));

async function everyRecordOnce(log: readonly (readonly Source[])[], steps: readonly Step[], options: object): Promise<void> {
  const world = new World(log, options);
  for (const each of steps) await world.play(each);
  await world.settle();
  for (const connector of [0, 1] as const) world.expectEachOnce(connector);
}

it('lists every record once, whatever is cut, crashes, heals or is replayed', async () => {
  const steps = fc.array(step(['crash before', 'crash after', 'lost before', 'lost after']), { maxLength: 10 });
  await fc.assert(fc.asyncProperty(logs, steps, limits, everyRecordOnce), { numRuns: Number(process.env['RUNS'] ?? 40) });
}, 60_000);

it('lists every record once, also where a request of somebody who gave up arrives late', async () => {
  const sound = source.map((each) => ({
    ...each,
    undecodable: false,
    parts: each.parts.map(({ path }) => ({ path, poison: 'none' as const })),
  }));
  const soundLogs = fc.tuple(fc.array(sound, { maxLength: 24 }), fc.array(sound, { maxLength: 12 }));
  const steps = fc.array(step(['crash after', 'lands later', 'lands later', 'lost after']), { maxLength: 10 });
  await fc.assert(fc.asyncProperty(soundLogs, steps, limits, everyRecordOnce), { numRuns: Number(process.env['RUNS'] ?? 40) });
}, 60_000);
