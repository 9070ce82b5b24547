import type { Origin } from '../../core/record.ts';
import type { Lane } from './lane.ts';
import { laneName, type Offsets } from './member.ts';

/** The ends of all partitions at one moment, and whether everything before them is acknowledged, by this worker or by others of its group. */
export interface Goal {
  /** Answers from what is known here and, where that is not enough, from what the group committed. */
  isReached(lanes: readonly Lane[]): Promise<boolean>;
}

/** Sets the goal at the ends of this moment. */
export async function goalNow(offsets: Offsets): Promise<Goal> {
  const [ends, beginnings] = await Promise.all([offsets.end(), offsets.beginning()]);
  const first = new Map(beginnings.map((origin) => [laneName(origin), origin.offset]));
  let open: readonly Origin[] = ends.filter((end) => end.offset > (first.get(laneName(end)) ?? 0));
  return {
    async isReached(lanes) {
      const acknowledged = new Map(lanes.map((lane) => [lane.name, lane.acknowledged ?? 0]));
      open = open.filter((end) => (acknowledged.get(laneName(end)) ?? 0) < end.offset);
      // A partition with a way to go here needs no question.
      if (open.some((end) => isUnderWay(lanes, end))) return false;
      if (open.length === 0) return true;
      const committed = new Map((await offsets.committed()).map((origin) => [laneName(origin), origin.offset]));
      open = open.filter((end) => (committed.get(laneName(end)) ?? 0) < end.offset);
      return open.length === 0;
    },
  };
}

function isUnderWay(lanes: readonly Lane[], end: Origin): boolean {
  return lanes.some((lane) => lane.name === laneName(end) && lane.acknowledged !== undefined);
}
