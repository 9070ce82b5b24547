import { createHash } from 'node:crypto';
import { ConfigError, RetriableError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Outcome } from '../../core/sink.ts';
import type { Notice } from './notice.ts';
import type { Severity } from './severity.ts';
import type { ClaimRow, RateLimit, Store } from './store.ts';

/** What became of a wish to tell somebody: tell them, or what it comes to without. */
export type Verdict = 'tell' | 'ignored' | RetriableError;

export interface Claim {
  /** One for each notice. */
  readonly verdicts: readonly Verdict[];
  /** Remembers what was told, and lets others tell what was not. */
  settle(outcomes: readonly Outcome[]): Promise<void>;
}

/** What a channel knows of the time before, whoever was running then. */
export interface ChannelMemory {
  /** Asks whether these may be told now, and keeps others from telling the same meanwhile. Throws a ConnectorError when it cannot be known and must be. */
  claim(notices: readonly Notice[]): Promise<Claim>;
}

export interface MemoryOptions {
  readonly connector: string;
  readonly channel: string;
  readonly repeatMs: number | undefined;
  readonly rateLimit: RateLimit | undefined;
  readonly silences: boolean;
  readonly whenDown: 'send' | 'wait';
  readonly log: Log;
}

/** Silences, repetitions and rates of one channel, as the store knows them. */
export function channelMemory(store: Store, options: MemoryOptions): ChannelMemory {
  const { connector, channel, repeatMs, rateLimit, whenDown, log } = options;
  const place = { connector, channel };

  const claim = async (notices: readonly Notice[]): Promise<Claim> => {
    const silenced = options.silences ? await silencedBy(store, place) : () => false;
    const verdicts: Verdict[] = notices.map((notice) => (silenced(notice) ? 'ignored' : 'tell'));
    const rows = repeatMs === undefined ? [] : await claimRows(store, place, notices, verdicts, repeatMs);
    const release = async () => void (rows.length > 0 && (await store.settle(place, [], rows)));
    if (rateLimit !== undefined && verdicts.includes('tell')) {
      const waitMs = await store.takeTurn(place, rateLimit);
      if (waitMs > 0) {
        await release();
        const message = `The channel ${channel} has had its ${rateLimit.messages} messages for now`;
        const throttled = new RetriableError('SINK_THROTTLED', message, { retryAfterMs: waitMs });
        return { verdicts: verdicts.map((verdict) => (verdict === 'tell' ? throttled : verdict)), settle: async () => undefined };
      }
    }
    return {
      verdicts,
      async settle(outcomes) {
        if (rows.length === 0) return;
        const told = new Set(notices.flatMap((notice, at) => (outcomes[at] === 'delivered' ? [keyOf(notice)] : [])));
        const claimed = (isTold: boolean) => rows.filter((key) => told.has(key) === isTold);
        await store.settle(place, claimed(true), claimed(false));
      },
    };
  };

  /** A person who is told twice is better off than one who is not told. */
  const withoutStore = (error: unknown, notices: readonly Notice[]): Claim => {
    if (error instanceof ConfigError || whenDown === 'wait') throw error;
    log.warn('The alert store cannot be asked: alerts are sent without it', { channel, code: 'ALERT_STORE_UNAVAILABLE' });
    return { verdicts: notices.map(() => 'tell'), settle: async () => undefined };
  };

  return {
    async claim(notices) {
      try {
        const { verdicts, settle } = await claim(notices);
        return {
          verdicts,
          settle: (outcomes) =>
            settle(outcomes).catch(() =>
              log.warn('The alert store was not told what was sent: it may be sent again', { channel, code: 'ALERT_STORE_UNAVAILABLE' }),
            ),
        };
      } catch (error) {
        return withoutStore(error, notices);
      }
    },
  };
}

/** Claims what is not silenced. A group that changes within the message is claimed by what it comes to in the end. */
async function claimRows(
  store: Store,
  place: { readonly connector: string; readonly channel: string },
  notices: readonly Notice[],
  verdicts: Verdict[],
  repeatMs: number,
): Promise<readonly string[]> {
  const wanted = new Map<string, string>();
  for (const [at, notice] of notices.entries()) if (verdicts[at] === 'tell') wanted.set(keyOf(notice), stateOf(notice));
  const answers = new Map((await store.claim(place, [...wanted], repeatMs)).map((row): [string, ClaimRow] => [row.key, row]));
  for (const [at, notice] of notices.entries()) {
    const answer = answers.get(keyOf(notice));
    if (verdicts[at] !== 'tell' || answer === undefined || answer.verdict === 'mine') continue;
    const busy = () =>
      new RetriableError('SINK_BUSY', 'The same alert is being sent by another function', { retryAfterMs: Math.max(1, answer.waitMs) });
    verdicts[at] = answer.verdict === 'told' ? 'ignored' : busy();
  }
  return [...answers.values()].filter(({ verdict }) => verdict === 'mine').map(({ key }) => key);
}

function stateOf({ status, severity }: Notice): string {
  return status === 'resolved' ? status : `${status} ${severity}`;
}

/** Groups are made of records, so what they say is not for another database to read. */
function keyOf({ group }: Notice): string {
  return createHash('sha256').update(group).digest('hex');
}

async function silencedBy(
  store: Store,
  place: { readonly connector: string; readonly channel: string },
): Promise<(notice: { readonly group: string; readonly severity: Severity }) => boolean> {
  const silences = await store.silences(place);
  return ({ group, severity }) =>
    silences.some(
      ({ groupName, severity: only }) =>
        (only === null || only === severity) &&
        (groupName === null || groupName === group || (groupName.endsWith('*') && group.startsWith(groupName.slice(0, -1)))),
    );
}
