import type { RoundTimes } from './handler-process.ts';
import { type BenchOptions, digits, type Finding } from './results.ts';
import { inProcess } from './subprocess.ts';

const records = 9_000;
const goal = 1.25;

/** The exported Lambda handler with a 6 MB event, against the least that has to be done with such an event: see `handler-process.ts`. */
export async function benchHandler({ quick, say }: BenchOptions): Promise<Finding> {
  const runs = quick ? 1 : 3;
  const rounds = quick ? 30 : 150;
  say(`handler: ${runs} processes, ${rounds} rounds of ${records} records each`);
  const bests: { floor: number; handler: number }[] = [];
  for (let run = 0; run < runs; run++) {
    const { floor, handler } = await inProcess<RoundTimes>(new URL('handler-process.ts', import.meta.url), { records, rounds });
    bests.push({ floor: Math.min(...floor), handler: Math.min(...handler) });
  }
  const best = bests.toSorted((a, b) => a.handler / a.floor - b.handler / b.floor)[runs >> 1] ?? { floor: 0, handler: 0 };
  const rate = (ms: number): number => (records / ms) * 1000;
  const ratios = bests.map(({ floor, handler }) => handler / floor);
  return {
    figures: [
      {
        name: 'handler, times the floor',
        unit: '',
        runs: ratios,
        value: best.handler / best.floor,
        reference: { what: 'goal', value: goal },
      },
      {
        name: 'handler',
        unit: 'records/s',
        runs: bests.map(({ handler }) => rate(handler)),
        value: rate(best.handler),
        reference: { what: 'floor', value: rate(best.floor) },
      },
    ],
    results: {
      handler: {
        recordsPerSecond: digits(rate(best.handler)),
        floorRecordsPerSecond: digits(rate(best.floor)),
        ratioToFloor: digits(best.handler / best.floor),
      },
    },
  };
}
