import { beforeAll, describe, expect, it } from 'vitest';
import { type Stage, setStage } from '../support/chaos/stage.ts';
import { type Aftermath, type StormReport, storm } from '../support/chaos/storm.ts';
import { say } from '../support/servers/cache.ts';
import { MissingToolError } from '../support/servers/java.ts';

const seed = Number(process.env['SLUICE_SEED'] ?? Date.now() % 2 ** 31);
const stormTimeoutMs = 300_000;

/** The servers, or what this machine lacks for them. Where CI is set, which promises the tools, that is an error. */
async function stageOrReason(): Promise<Stage | string> {
  try {
    return await setStage();
  } catch (error) {
    if (error instanceof MissingToolError && !process.env['CI']) return error.message;
    throw error;
  }
}

describe('workers that are killed, stopped and frozen while database and broker fail', async () => {
  const stage = await stageOrReason();
  if (typeof stage === 'string') {
    say(`NOT RUN: workers in a storm. ${stage}`);
    it.skip('needs Apache Kafka and PostgreSQL', () => undefined);
    return;
  }
  let report: StormReport;
  beforeAll(async () => {
    say(`The storm's seed is SLUICE_SEED=${seed}`);
    report = await storm(stage, {
      seed,
      connectors: [
        { mode: 'upsert', records: 200_000, partitions: 6, sharedKeys: 1_000, tombstones: 0.02, workers: 2 },
        { mode: 'insert', records: 40_000, partitions: 6, sharedKeys: 200, tombstones: 0, workers: 2 },
      ],
      producingMs: 10_000,
      ragingMs: 0,
      pace: { records: 25_000, maxMs: 10_000 },
      patienceMs: 120_000,
      tell: say,
    });
    for (const { mode, poison, letters, repeatedLetters, repeats } of report.connectors)
      say(
        `${mode}: ${repeats} records came again; ${poison} records of poison, ${letters} dead letters, ${repeatedLetters} of them repeats`,
      );
    say(`The storm took ${JSON.stringify(report.seconds)}`);
  }, stormTimeoutMs);

  const of = (mode: Aftermath['mode']): Aftermath => report.connectors.find((connector) => connector.mode === mode)!;
  const first = (faults: readonly string[]): readonly string[] =>
    faults.length > 10 ? [`${faults.length} faults`, ...faults.slice(0, 10)] : faults;

  it('upsert: each row is what the last record of its key says, and was never older than before', () => {
    expect(first(of('upsert').rowFaults)).toEqual([]);
  });

  it('insert: each number is there once', () => {
    expect(first(of('insert').rowFaults)).toEqual([]);
  });

  it.each(['upsert', 'insert'] as const)('%s: the dead letter topic holds the poison, byte for byte, and nothing else', (mode) => {
    expect(first(of(mode).letterFaults)).toEqual([]);
    expect(of(mode).letters).toBeGreaterThanOrEqual(of(mode).poison);
  });

  it.each(['upsert', 'insert'] as const)('%s: what is committed is the end of each partition', (mode) => {
    expect(of(mode).uncommitted).toEqual([]);
  });

  it.each(['upsert', 'insert'] as const)('%s: no worker ended by itself, and all ended well when they were asked to', (mode) => {
    expect(of(mode).deserters).toEqual([]);
  });
});
