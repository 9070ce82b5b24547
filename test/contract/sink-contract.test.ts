import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { SinkDefinition } from '../../lib/core/sink.ts';
import { memory, memoryStore } from '../../lib/sinks/memory.ts';
import { type BrokenSink, brokenSinks } from './kit/broken-sinks.ts';
import { NothingToTry } from './kit/check.ts';
import { type MemoryTarget, memoryTarget, modes } from './kit/memory-modes.ts';
import type { Mode } from './kit/mode.ts';
import { networked } from './kit/networked.ts';
import { checks, runCheck } from './sink-contract.ts';

const name = 'broken';

// The random check has to meet the fault that a sink breaks on, so it plays the same batches each time.
beforeAll(() => {
  vi.stubEnv('SEED', '1');
});

describe('the sink contract catches a sink that', () => {
  for (const broken of brokenSinks)
    it(broken.name, async () => {
      for (const checkName of broken.caughtBy)
        await expect(tryOn(broken, checkName), checkName).rejects.toThrow(/Expected|claims|was answered/);
    });
});

it('has no check that cannot fail', () => {
  const failing = new Set(brokenSinks.flatMap(({ caughtBy }) => caughtBy));
  expect(checks.filter((check) => !failing.has(check.name)).map((check) => check.name)).toEqual([]);
});

/** Runs one check on a broken memory sink. A check with nothing to try does not count as one that fails. */
async function tryOn(broken: BrokenSink, checkName: string): Promise<void> {
  const check = checks.find((known) => known.name === checkName);
  const { definition, network } = networked(memory);
  const base = modes[broken.mode];
  const mode: Mode<MemoryTarget> = {
    ...base,
    ...broken.changes,
    config: (target) => ({ ...base.config(target), ...broken.options }),
  };
  const target = memoryTarget(name, network);
  const sink: SinkDefinition = {
    ...definition,
    guarantees: (config) => ({ ...definition.guarantees(config), ...broken.claims }),
    async open(config, context) {
      const opened = await definition.open(config, context);
      return broken.breaks?.(opened, { context, network, store: memoryStore(name), definition }) ?? opened;
    },
  };
  if (check === undefined || check.applies?.(mode) === false) return;
  try {
    await runCheck(check, sink, mode, target, false);
  } catch (error) {
    if (!(error instanceof NothingToTry)) throw error;
  }
}
