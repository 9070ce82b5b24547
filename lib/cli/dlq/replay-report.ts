import { ConfigError } from '../../core/errors.ts';
import { originName } from '../../core/record.ts';
import { count, counted, type Terminal } from '../terminal.ts';
import type { Held, ReplayCounts, ReplayResult } from './replay-run.ts';
import { becauseOf, placesText } from './text.ts';

export function countsText({ delivered, ignored, dropped, failed, skipped }: ReplayCounts): string {
  return [
    `${count(delivered)} delivered`,
    ...(ignored > 0 ? [`${count(ignored)} ignored (newer data is there)`] : []),
    ...(dropped > 0 ? [`${count(dropped)} dropped by the transform`] : []),
    ...(skipped > 0 ? [`${count(skipped)} left by the edit`] : []),
    `${count(failed)} failed`,
  ].join('   ');
}

export function printResult(result: ReplayResult, alreadyReplayed: number, out: Terminal): void {
  const { counts, held, failures, stoppedBy, isInterrupted, ms } = result;
  if (counts.letters === 0 && held.length === 0) {
    out.line(
      alreadyReplayed === 0
        ? '  No such letters.'
        : `  No such letters wait: ${counted(alreadyReplayed, 'failure')} replayed from here already. --again sends them once more.`,
    );
    return;
  }
  if (counts.letters > 0) {
    const rate = counts.done >= 1_000 ? `   ${count(Math.round((counts.done * 1_000) / Math.max(1, ms)))}/s` : '';
    out.line(`  ${count(counts.done)} of ${counted(counts.letters, 'letter')}   ${countsText(counts)}${rate}`);
  }
  printFailures(failures, out);
  printHeld(held, out);
  if (stoppedBy !== undefined) {
    out.line(`  ${out.style('red', 'Stopped')}   ${stoppedBy.code}  ${stoppedBy.message}`);
    out.line(`  ${stoppedBy instanceof ConfigError ? 'Mend that, then say' : 'Say'} the same again to go on where it stopped.`);
  } else if (isInterrupted) out.line('  Interrupted. Say the same again to go on where it stopped.');
}

export interface Plan {
  readonly letters: number;
  readonly held: readonly Held[];
  readonly done: number;
  readonly words: string;
}

/** What would happen, and what a trial of some says. `connector`: whose pipeline was tried. */
export function printPlan(plan: Plan, tried: ReplayResult, connector: string | undefined, out: Terminal): void {
  out.line(`  ${counted(plan.letters, 'letter')} would be sent ${plan.words}, oldest first.`);
  const { counts } = tried;
  if (connector !== undefined && counts.letters > 0) {
    const dropped = counts.dropped > 0 ? `, ${count(counts.dropped)} dropped by the transform` : '';
    const failed = counts.failed > 0 ? `, ${count(counts.failed)} would fail again` : '';
    out.line(`  A trial with ${counts.letters} of them, up to the target: ${count(counts.delivered)} would be written${dropped}${failed}.`);
    out.line('  What the target says to them shows when it gets them: try --limit 20.');
  }
  printFailures(tried.failures, out);
  printHeld(plan.held, out);
  if (tried.stoppedBy !== undefined)
    out.line(`  ${out.style('red', 'It would stop')}   ${tried.stoppedBy.code}  ${tried.stoppedBy.message}`);
}

function printFailures(failures: ReplayResult['failures'], out: Terminal): void {
  for (const own of Map.groupBy(failures, ({ error }) => `${error.code} ${error.message.replaceAll(/\d+/g, '#')}`).values()) {
    const [first] = own;
    if (first === undefined) continue;
    const places = placesText(own.map(({ place }) => place));
    out.line(`  ${out.style('yellow', 'failed')}   ${becauseOf(first.error)}   ${places}`);
  }
}

function printHeld(held: readonly Held[], out: Terminal): void {
  for (const [because, own] of Map.groupBy(held, (each) => each.because))
    out.line(`  ${out.style('yellow', 'held')}     ${placesText(own.map(({ place }) => place))} ${because}`);
}

export function resultJson({ counts, held, failures, stoppedBy, isInterrupted, ms }: ReplayResult): object {
  return {
    ...counts,
    failures: failures.map(({ place, error }) => ({ letter: originName(place), code: error.code, message: error.message })),
    held: held.map(({ place, because }) => ({ letter: originName(place), because })),
    interrupted: isInterrupted,
    stoppedBy: stoppedBy === undefined ? null : { class: stoppedBy.class, code: stoppedBy.code, message: stoppedBy.message },
    ms,
  };
}
