import { ConfigError, RetriableError } from '../core/errors.ts';
import { worse } from '../core/outcome.ts';
import { defineSink, type Outcome } from '../core/sink.ts';
import { eventReader, isEvent } from './alert/event.ts';
import { type Event, gather, versionName } from './alert/notice.ts';
import { openChannels } from './alert/open.ts';
import { channelDefinitions, channelsOf, checkOptions, definitionFor, type Options, options, recipients } from './alert/options.ts';
import { type OpenChannel, tell } from './alert/tell.ts';
import { unfinishedOf } from './alert/unfinished.ts';
import { wordings } from './alert/wording.ts';

export const alert = defineSink({
  name: 'alert',
  summary: 'Tells people: DingTalk, Feishu, WeCom, Slack, Teams, PagerDuty, Alertmanager, e-mail, or whatever takes Standard Webhooks.',
  config: options,
  check: checkOptions,
  // A chat shows a message as often as it comes; only who is given a key tells a repetition from news.
  guarantees: (config) => ({ idempotent: deduplicates(config), ordered: false, deletes: false, partial: true }),
  limits: () => ({ records: 1_000, bytes: 5_000_000 }),
  permissions: () => [],
  modes: [
    { name: 'chat, e-mail, webhook', config: { channel: { type: 'slack', url: { env: 'SLACK_URL' } } } },
    { name: 'PagerDuty or Alertmanager', config: { channel: { type: 'pagerduty', routingKey: { env: 'PAGERDUTY_KEY' } } } },
  ],
  errors: channelDefinitions.flatMap(({ errors }) => errors),
  async open(config, context) {
    const toEvent = eventReader(config);
    const wordingOf = wordings(config);
    const channels = await openChannels(config, context);
    const partly = unfinishedOf(config);

    /** The outcome for each event that this channel is told of. */
    const tellChannel = async (
      channel: OpenChannel,
      events: readonly Event[],
      signal: AbortSignal,
    ): Promise<ReadonlyMap<number, Outcome>> => {
      const outcomes = new Map<number, Outcome>();
      const news: Event[] = [];
      for (const event of events) {
        if (!concerns(config, channel, event)) continue;
        if (partly.wasTold(event.record, channel.name)) outcomes.set(event.position, 'delivered');
        else news.push(event);
      }
      const told = await tell(channel, gather(news, context.connector, wordingOf), config.digestOver, signal);
      for (const { position } of news) outcomes.set(position, told.get(position) ?? new RetriableError('SINK_MISCOUNTED', 'No answer'));
      return outcomes;
    };

    return {
      ...(config.group === undefined && deduplicates(config) ? { identity: versionName } : {}),
      async write(records, { signal }) {
        if (signal.aborted) return records.map(() => new RetriableError('ABORTED', 'The time for writing is over'));
        const read = records.map(toEvent);
        const events = read.filter(isEvent);
        // Who is dead does not keep the others from being told.
        const answers = await Promise.all(channels.map((channel) => tellChannel(channel, events, signal)));
        return read.map((event, position): Outcome => {
          if (!isEvent(event)) return event;
          const outcome = answers
            .map((answer) => answer.get(position) ?? 'ignored')
            .reduce<Outcome>((a, b) => worse(a, b) as Outcome, 'ignored');
          const told = channels.filter((_, index) => answers[index]?.get(position) === 'delivered').map(({ name }) => name);
          partly.remember(event.record, outcome instanceof RetriableError || outcome instanceof ConfigError ? told : []);
          return outcome;
        });
      },
      async close() {
        await Promise.all(channels.map(({ channel }) => channel.close?.()));
        await channels[0]?.store?.close();
      },
    };
  },
});

function deduplicates(config: Options): boolean {
  return [...channelsOf(config).values()].every((channel) => definitionFor(channel).deduplicates);
}

/** Who can close an alert hears that it is over, whatever severity the record that says so has. */
function concerns(config: Options, { name, definition }: OpenChannel, { severity, status }: Event): boolean {
  return recipients(config, severity).includes(name) || (status === 'resolved' && definition.resolves);
}
