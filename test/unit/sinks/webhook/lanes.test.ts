import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runInLanes } from '../../../../lib/sinks/webhook/lanes.ts';

it('runs every task once, in order within its lane, and never more at a time than allowed', async () => {
  const task = fc.record({ lane: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }), ticks: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(fc.array(task), fc.integer({ min: 1, max: 5 }), async (tasks, concurrency) => {
      const began: number[] = [];
      const open = new Set<string>();
      let active = 0;
      await runInLanes(tasks.length, {
        concurrency,
        laneOf: (n) => tasks[n]?.lane,
        run(n) {
          const { lane, ticks } = tasks[n]!;
          began.push(n);
          if (lane !== undefined) {
            expect(open.has(lane)).toBe(false);
            open.add(lane);
          }
          expect(++active).toBeLessThanOrEqual(concurrency);
          const end = () => {
            active--;
            if (lane !== undefined) open.delete(lane);
          };
          if (ticks === 0) {
            end();
            return undefined;
          }
          return (async () => {
            for (let tick = 0; tick < ticks; tick++) await undefined;
            end();
          })();
        },
      });
      expect(began.toSorted((a, b) => a - b)).toEqual(tasks.map((_, n) => n));
      for (const lane of ['a', 'b', 'c']) {
        const inLane = began.filter((n) => tasks[n]?.lane === lane);
        expect(inLane).toEqual(inLane.toSorted((a, b) => a - b));
      }
    }),
  );
});

it('fails when a task does, after those under way have ended', async () => {
  const ended: number[] = [];
  const run = async (n: number) => {
    if (n === 0) throw new Error('broken');
    await undefined;
    ended.push(n);
  };
  await expect(runInLanes(9, { concurrency: 3, laneOf: () => undefined, run })).rejects.toThrow('broken');
  expect(ended).toEqual([1, 2]);
});

it('fails when a task, or what names its lane, throws at once, after those under way have ended', async () => {
  const broken = (n: number) => {
    if (n === 2) throw new Error('broken');
  };
  const ended: number[] = [];
  const slow = async (n: number) => {
    await new Promise(setImmediate);
    ended.push(n);
  };
  const run = (n: number) => {
    broken(n);
    return slow(n);
  };
  await expect(runInLanes(9, { concurrency: 2, laneOf: () => undefined, run })).rejects.toThrow('broken');
  const laneOf = (n: number) => {
    broken(n);
    return undefined;
  };
  await expect(runInLanes(9, { concurrency: 2, laneOf, run: slow })).rejects.toThrow('broken');
  expect(ended).toEqual([0, 1, 0, 1]);
});
