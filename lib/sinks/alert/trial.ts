import type { KafkaRecord } from '../../core/record.ts';
import type { OpenContext, Outcome } from '../../core/sink.ts';
import type { Notice, Status } from './notice.ts';
import { openChannels } from './open.ts';
import type { Options } from './options.ts';
import type { Severity } from './severity.ts';
import { tell } from './tell.ts';

export interface Trial {
  /** The name of the channel, and its type. */
  readonly channel: string;
  readonly type: string;
  readonly outcome: Outcome;
  /** What was sent is over again: the vendor was told to close it. */
  readonly isClosed: boolean;
}

/** Sends every channel a message that says that it is a test, whatever routes, silences and rates say. What a vendor would keep open is closed again. */
export async function tryChannels(
  config: Options,
  context: OpenContext,
  { severity, signal }: { readonly severity: Severity; readonly signal: AbortSignal },
): Promise<readonly Trial[]> {
  const { store: _, repeatMs: __, ...forgetful } = config;
  const channels = await openChannels({ ...forgetful, silences: false }, context);
  try {
    return await Promise.all(
      channels.map(async (channel): Promise<Trial> => {
        const { name, definition } = channel;
        const say = async (status: Status): Promise<Outcome> => {
          const told = await tell({ ...channel, memory: undefined }, [testNotice(context, severity, status)], 1, signal);
          return told.get(0) ?? 'ignored';
        };
        const outcome = await say('firing');
        const isClosed = outcome === 'delivered' && definition.deduplicates && (await say('resolved')) === 'delivered';
        return { channel: name, type: definition.type, outcome, isClosed };
      }),
    );
  } finally {
    await Promise.all(channels.map(({ channel }) => channel.close?.()));
  }
}

function testNotice({ connector, now }: OpenContext, severity: Severity, status: Status): Notice {
  const origin = { topic: 'sluice-alert-test', partition: 0, offset: 0 };
  const record: KafkaRecord = {
    origin,
    version: { ...origin, epoch: 0 },
    part: 0,
    timestamp: now(),
    timestampType: 'create',
    headers: [],
    key: null,
    value: null,
  };
  const group = 'sluice alert test';
  const event = { record, position: 0, severity, status, group };
  return {
    connector,
    group,
    status,
    severity,
    events: [event],
    wording: {
      title: () => `TEST, nothing is wrong (${connector})`,
      text: () => `Somebody ran "sluice alert test ${connector}" to see whether messages arrive here. They do.`,
      link: undefined,
      linkTitle: '',
    },
  };
}
