import type { Mode } from './mode.ts';
import type { Subject } from './subject.ts';

/** One promise of the contract. `run` throws when the sink breaks it. */
export interface Check {
  readonly name: string;
  /** True when the answer is the same in every mode that speaks to the target in the same way: see `Mode.sharesWith`. */
  readonly shared?: true;
  /** False for modes that the check says nothing about. */
  applies?(mode: Mode): boolean;
  run(subject: Subject): Promise<void>;
}

/** Thrown by a check that has nothing to try, with the reason: it is then shown as skipped. */
export class NothingToTry extends Error {}

/** Throws unless the target did worse than a claim of true would need, when the sink claims false. */
export function expectNoBetter(subject: Subject, claim: 'idempotent' | 'ordered' | 'deletes' | 'partial', what: string): void {
  if (subject.mode.mayExceed?.[claim] !== undefined) return;
  throw new Error(
    `The sink claims ${claim}: false, yet ${what}. Claim it, or say why not in the mode's mayExceed.${claim}: claims are for people to rely on.`,
  );
}
