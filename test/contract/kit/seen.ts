import type { Sightings } from './sightings.ts';
import type { Kind } from './subject.ts';

/** What was seen of one mode. */
export interface SeenMode {
  readonly name: string;
  readonly sharesWith: string | undefined;
  readonly sightings: Sightings;
  /** As claimed; known once the target is. */
  idempotent: boolean;
}

/** The file that a contract test leaves in `test/contract/seen/`: what became of records in each mode under each fault. */
export interface SeenFile {
  readonly sink: string;
  readonly modes: readonly {
    readonly name: string;
    /** What is in the target once the fault has passed: the same checks look. */
    readonly afterwards: 'each record once' | 'each record at least once';
    /** The mode whose faults are this one's, as the way to the target is the same. */
    readonly sharesWith?: string;
    readonly faults: Readonly<Record<string, Kind>>;
  }[];
}

/** The file's text. Modes appear in the order of the test, faults by name. */
export function seenText(sink: string, modes: readonly SeenMode[]): string {
  const file: SeenFile = {
    sink,
    modes: modes.map(({ name, sharesWith, sightings, idempotent }) => ({
      name,
      afterwards: idempotent ? 'each record once' : 'each record at least once',
      ...(sharesWith === undefined ? {} : { sharesWith }),
      faults: Object.fromEntries([...sightings.seen].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    })),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}
