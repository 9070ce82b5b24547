import type { Kind } from './subject.ts';

/** What was seen to become of records when something went wrong, by fault: the source of the tables in docs. */
export interface Sightings {
  /** The worst outcome counts. A fault that leads to different outcomes in different runs has no place in a table. */
  see(fault: string, kinds: readonly Kind[]): void;
  readonly seen: ReadonlyMap<string, Kind>;
}

const fromBestToWorst: readonly Kind[] = ['delivered', 'ignored', 'data', 'retriable', 'config'];

export function sightings(): Sightings {
  const seen = new Map<string, Kind>();
  return {
    seen,
    see(fault, kinds) {
      const worst = kinds.reduce((a, b) => (fromBestToWorst.indexOf(a) > fromBestToWorst.indexOf(b) ? a : b), 'delivered');
      const before = seen.get(fault);
      if (before !== undefined && before !== worst) throw new Error(`Expected "${fault}" to end as ${before} again, it was ${worst}`);
      seen.set(fault, worst);
    },
  };
}
