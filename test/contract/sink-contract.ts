import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/core/config.ts';
import type { SinkDefinition } from '../../lib/core/sink.ts';
import { type Check, NothingToTry } from './kit/check.ts';
import { claimChecks } from './kit/claim-checks.ts';
import { faultChecks } from './kit/fault-checks.ts';
import { guardChecks } from './kit/guard-checks.ts';
import type { Mode, SinkUnderTest, TargetReader } from './kit/mode.ts';
import { outcomeChecks } from './kit/outcome-checks.ts';
import { randomChecks } from './kit/random-check.ts';
import { recordChecks } from './kit/record-checks.ts';
import { type SeenMode, seenText } from './kit/seen.ts';
import { type Sightings, sightings } from './kit/sightings.ts';
import { subjectOf } from './kit/subject.ts';

/** Every promise that a sink makes, as a function that throws when it is broken. */
export const checks: readonly Check[] = [
  ...outcomeChecks,
  ...claimChecks,
  ...guardChecks,
  ...recordChecks,
  ...faultChecks,
  ...randomChecks,
];

/** Holds each mode of a sink to its claims, bare and wrapped as connectors use it, against the real target. */
export function describeSink<Target extends TargetReader>({ definition, title, modes, target: openTarget }: SinkUnderTest<Target>): void {
  const seen: SeenMode[] = [];
  let checksToRun = 0;
  let checksRun = 0;
  for (const mode of modes) {
    const seenHere: SeenMode = { name: mode.name, sharesWith: mode.sharesWith, sightings: sightings(), idempotent: false };
    seen.push(seenHere);
    for (const name of Object.keys(mode.without ?? {}))
      if (!checks.some((check) => check.name === name))
        throw new Error(`There is no check "${name}" for the mode "${mode.name}" to go without.`);
    describe(`${definition.name}, ${mode.name}`, () => {
      let target: Target;
      beforeAll(async () => {
        target = await openTarget(mode);
        const config = parseConfig(definition.config, mode.config(target), 'connector.sink');
        seenHere.idempotent = definition.guarantees(config).idempotent;
      });
      afterAll(() => target?.close?.());

      for (const wrapped of [false, true]) {
        describe(wrapped ? 'retrying(chunked(sink))' : 'the sink alone', () => {
          for (const check of checks) {
            const reason = mode.without?.[check.name];
            if (check.applies?.(mode) === false || (check.shared === true && mode.sharesWith !== undefined)) continue;
            if (reason !== undefined) it.skip(`${check.name}: ${reason}`, () => undefined);
            else {
              checksToRun++;
              it(check.name, async ({ skip }) => {
                checksRun++;
                try {
                  await runCheck(check, definition, mode, target, wrapped, wrapped ? undefined : seenHere.sightings);
                } catch (error) {
                  if (error instanceof NothingToTry) skip(error.message);
                  throw error;
                }
              });
            }
          }
        });
      }
    });
  }

  it(`the table of faults of ${title ?? definition.name} is what was seen: run again with -u after a change, then npm run docs`, async ({
    skip,
  }) => {
    if (checksRun < checksToRun) skip('only some of the checks were run');
    await expect(seenText(definition.name, seen)).toMatchFileSnapshot(`seen/${title ?? definition.name}.json`);
  });
}

/** Runs one check on an emptied target. Throws when the sink breaks the promise, or NothingToTry. */
export async function runCheck<Target extends TargetReader>(
  check: Check,
  definition: SinkDefinition,
  mode: Mode<Target>,
  target: Target,
  wrapped: boolean,
  seen?: Sightings,
): Promise<void> {
  const subject = subjectOf(definition, mode as Mode, target, wrapped, seen);
  if (subject.claims.ordered && mode.guard === undefined)
    throw new Error(`${mode.name} claims ordered: say in the mode what the guard is, 'version' or { field }.`);
  await target.faults?.pass();
  await target.reset();
  try {
    await check.run(subject);
    subject.silence.expectKept();
  } finally {
    await target.faults?.pass();
    await subject.close();
  }
}
