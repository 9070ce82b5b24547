import { ConfigError, type ConnectorError, RetriableError } from '../../core/errors.ts';
import { failAll, sinkFailure } from '../../core/outcome.ts';
import type { Outcome } from '../../core/sink.ts';
import type { Channel, ChannelDefinition } from './channel.ts';
import type { ChannelMemory } from './memory.ts';
import { type Message, messageOf } from './message.ts';
import type { Notice } from './notice.ts';
import type { Store } from './store.ts';

/** A channel that is open, with what it needs to know of the time before. */
export interface OpenChannel {
  readonly name: string;
  readonly definition: ChannelDefinition;
  readonly channel: Channel;
  /** None where nothing has to be remembered. */
  readonly memory: ChannelMemory | undefined;
  /** The store behind it, which all channels of a sink share. */
  readonly store: Store | undefined;
}

/** The messages that notices become, in their order. */
export function bundle(notices: readonly Notice[], carries: ChannelDefinition['carries'], digestOver: number): readonly Message[] {
  const [first, ...others] = notices;
  if (first === undefined) return [];
  const together = carries === 'all' || (carries === 'digest' && notices.length > digestOver);
  return together ? [messageOf([first, ...others])] : notices.map((notice) => messageOf([notice]));
}

/**
 * Tells a channel, one message after the other; answers one outcome for each notice. After a failure that concerns the channel nothing more
 * is sent: what comes later of a group must not arrive before what came earlier.
 */
export async function tell(
  { definition, channel, memory }: OpenChannel,
  notices: readonly Notice[],
  digestOver: number,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const message of bundle(notices, definition.carries, digestOver)) {
    const stoppedBy = outcomes.find(stops);
    if (stoppedBy !== undefined) outcomes.push(...message.notices.map(() => behind(stoppedBy)));
    else outcomes.push(...(await sendRemembered(message, channel, memory, signal)));
  }
  return outcomes;
}

async function sendRemembered(
  message: Message,
  channel: Channel,
  memory: ChannelMemory | undefined,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  if (memory === undefined) return await send(message, channel, signal);
  let claim: Awaited<ReturnType<ChannelMemory['claim']>>;
  try {
    claim = await memory.claim(message.notices);
  } catch (error) {
    return failAll(message.notices.length, sinkFailure(error));
  }
  const { verdicts } = claim;
  const outcomes: Outcome[] = verdicts.map((verdict) => (verdict === 'tell' ? 'delivered' : verdict));
  const positions = verdicts.flatMap((verdict, position) => (verdict === 'tell' ? [position] : []));
  const [first, ...others] = positions.flatMap((position) => message.notices[position] ?? []);
  if (first === undefined) return outcomes;
  const answers = await send(messageOf([first, ...others]), channel, signal);
  for (const [index, position] of positions.entries()) outcomes[position] = answers[index] ?? unanswered();
  await claim.settle(outcomes);
  return outcomes;
}

async function send(message: Message, channel: Channel, signal: AbortSignal): Promise<readonly Outcome[]> {
  const count = message.notices.length;
  if (signal.aborted) return failAll(count, new RetriableError('ABORTED', 'The time for writing is over'));
  try {
    const outcomes = await channel.send(message, signal);
    return outcomes.length === count ? outcomes : failAll(count, unanswered());
  } catch (error) {
    return failAll(count, sinkFailure(error));
  }
}

function unanswered(): RetriableError {
  return new RetriableError('SINK_MISCOUNTED', 'The channel did not answer for each alert');
}

function stops(outcome: Outcome): outcome is ConnectorError {
  return outcome instanceof RetriableError || outcome instanceof ConfigError;
}

function behind(stoppedBy: ConnectorError): ConnectorError {
  if (!(stoppedBy instanceof RetriableError)) return stoppedBy;
  const { retryAfterMs } = stoppedBy;
  return new RetriableError('HELD_BACK', 'Not sent, as an earlier alert of its channel has to be delivered first', { retryAfterMs });
}
