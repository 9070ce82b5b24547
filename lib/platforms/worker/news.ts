import type { Clock } from '../../core/retry.ts';
import { isBlocking, type Status, type Trouble } from './status.ts';

/** Something that people want to hear of, once. */
export type Fact =
  | { readonly type: 'joined'; readonly partitions: readonly string[] }
  | { readonly type: 'waiting' | 'blocked' | 'disconnected'; readonly code: string; readonly message: string }
  | { readonly type: 'recovered'; readonly afterMs: number }
  | { readonly type: 'stopping' };

/** Tells each status only for what it says that the last ones did not. */
export function newsTeller(tell: (fact: Fact) => void, clock: Pick<Clock, 'now'>): (status: Status) => void {
  let partitionsTold: string | undefined;
  let troubleTold: Trouble | undefined;
  let isStoppingTold = false;

  const tellTrouble = (trouble: Trouble, state: Status['state']): void => {
    const isKnown = troubleTold?.code === trouble.code && troubleTold.class === trouble.class;
    // What comes after a trouble that needs a person is no news as long as it is not solved.
    if (isKnown || (troubleTold !== undefined && isBlocking(troubleTold) && !isBlocking(trouble))) return;
    troubleTold = { ...trouble, since: troubleTold?.since ?? trouble.since };
    const type = isBlocking(trouble) ? 'blocked' : state === 'disconnected' ? 'disconnected' : 'waiting';
    tell({ type, code: trouble.code, message: trouble.message });
  };

  return ({ state, partitions, trouble }) => {
    if (state === 'stopping') {
      if (!isStoppingTold) tell({ type: 'stopping' });
      isStoppingTold = true;
      return;
    }
    const names = partitions.map(({ partition }) => partition);
    const isJoined = state === 'running' || state === 'waiting' || state === 'blocked';
    if (isJoined && partitionsTold !== names.join() && (names.length > 0 || state === 'running')) {
      partitionsTold = names.join();
      tell({ type: 'joined', partitions: names });
    }
    if (trouble !== undefined) tellTrouble(trouble, state);
    else if (troubleTold !== undefined && state === 'running') {
      tell({ type: 'recovered', afterMs: clock.now() - troubleTold.since });
      troubleTold = undefined;
    }
  };
}
