import { expect, it } from 'vitest';
import { RetriableError } from '../../../../lib/core/errors.ts';
import { jsonLog } from '../../../../lib/core/log.ts';
import { paceOf } from '../../../../lib/sinks/maxcompute/pace.ts';

function open() {
  const lines: string[] = [];
  const clock = { now: 0 };
  const now = () => clock.now;
  return {
    lines,
    clock,
    pace: paceOf(
      now,
      jsonLog((line) => lines.push(line), { now }),
    ),
  };
}

it('opens 500 sessions of a table in 5 minutes, and says when the next one can be', () => {
  const { pace, clock } = open();
  for (let count = 0; count < 500; count++, clock.now += 100) pace.count('sessions', 't');
  expect(() => pace.count('sessions', 't')).toThrow(RetriableError);
  expect(() => pace.count('sessions', 't')).toThrow(expect.objectContaining({ retryAfterMs: 250_000 }));
  pace.count('sessions', 'another');
  clock.now = 300_000;
  pace.count('sessions', 't');
});

it('commits 75 times in 15 seconds', () => {
  const { pace } = open();
  for (let count = 0; count < 75; count++) pace.count('commits', 't');
  expect(() => pace.count('commits', 't')).toThrow(/75 commits within 15 seconds/);
});

it('warns once at half of what a table takes', () => {
  const { pace, lines, clock } = open();
  for (let count = 0; count < 249; count++) pace.count('sessions', 't');
  expect(lines).toEqual([]);
  for (let count = 0; count < 100; count++) pace.count('sessions', 't');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('connector.sink.upload to stream');
  clock.now = 300_000;
  for (let count = 0; count < 250; count++) pace.count('sessions', 't');
  expect(lines).toHaveLength(2);
});
