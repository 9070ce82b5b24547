import { ConfigError, type ConnectorError, DataError, RetriableError } from '../../core/errors.ts';
import { failAll, sinkFailure } from '../../core/outcome.ts';
import type { Outcome } from '../../core/sink.ts';
import type { Channel, ChannelDefinition } from './channel.ts';
import type { ChannelMemory } from './memory.ts';
import { type Message, messageOf } from './message.ts';
import { halvesOf, type Notice } from './notice.ts';
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

/** What became of events, by their place in the batch. */
type Told = Map<number, Outcome>;

/**
 * Tells a channel, one message after the other; answers one outcome for each event. After a failure that concerns the channel nothing more
 * is sent: what comes later of a group must not arrive before what came earlier.
 */
export async function tell(channel: OpenChannel, notices: readonly Notice[], digestOver: number, signal: AbortSignal): Promise<Told> {
  return await inOrder(bundle(notices, channel.definition.carries, digestOver), (message) => sendRemembered(message, channel, signal));
}

async function inOrder(messages: readonly Message[], send: (message: Message) => Promise<Told>): Promise<Told> {
  const told: Told = new Map();
  let stoppedBy: ConnectorError | undefined;
  for (const message of messages) {
    if (stoppedBy !== undefined) note(told, message.notices, () => behind(stoppedBy as ConnectorError));
    else for (const [position, outcome] of await send(message)) told.set(position, outcome);
    stoppedBy ??= [...told.values()].find(stops);
  }
  return told;
}

function note(told: Told, notices: readonly Notice[], outcomeOf: (index: number) => Outcome): void {
  for (const [index, { events }] of notices.entries()) for (const { position } of events) told.set(position, outcomeOf(index));
}

async function sendRemembered(message: Message, { channel, definition, memory }: OpenChannel, signal: AbortSignal): Promise<Told> {
  if (memory === undefined) return await sendApart(message, channel, definition.carries, signal);
  const told: Told = new Map();
  let claim: Awaited<ReturnType<ChannelMemory['claim']>>;
  try {
    claim = await memory.claim(message.notices);
  } catch (error) {
    note(told, message.notices, () => sinkFailure(error));
    return told;
  }
  const { verdicts } = claim;
  note(told, message.notices, (index) => {
    const verdict = verdicts[index] ?? 'tell';
    return verdict === 'tell' ? unanswered() : verdict;
  });
  const [first, ...others] = message.notices.filter((_, index) => verdicts[index] === 'tell');
  if (first === undefined) return told;
  for (const [position, outcome] of await sendApart(messageOf([first, ...others]), channel, definition.carries, signal))
    told.set(position, outcome);
  const outcomesOf = ({ events }: Notice) => events.map(({ position }) => told.get(position) ?? unanswered());
  await claim.settle(message.notices.map((notice) => outcomesOf(notice).find((outcome) => outcome === 'delivered') ?? 'ignored'));
  return told;
}

/** What is refused is sent again in halves, until it is one record: those beside it must not go with it. */
async function sendApart(message: Message, channel: Channel, carries: ChannelDefinition['carries'], signal: AbortSignal): Promise<Told> {
  const told: Told = new Map();
  const answers = await send(message, channel, signal);
  note(told, message.notices, (index) => answers[index] ?? unanswered());
  const parts = partsOf(message, carries);
  if (parts.length === 0 || !answers.every((answer) => answer instanceof DataError)) return told;
  return await inOrder(parts, (part) => sendApart(part, channel, carries, signal));
}

/** The halves of a digest, or of the records of a group; none of what the channel itself takes apart. */
function partsOf({ notices }: Message, carries: ChannelDefinition['carries']): readonly Message[] {
  if (carries === 'all') return [];
  const middle = notices.length >> 1;
  const halves = notices.length === 1 ? halvesOf(notices[0]).map((half) => [half]) : [notices.slice(0, middle), notices.slice(middle)];
  return halves.flatMap(([first, ...others]) => (first === undefined ? [] : [messageOf([first, ...others])]));
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
