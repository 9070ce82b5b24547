import { parseConfig, throwProblems } from '../../../../lib/core/config.ts';
import type { KafkaRecord } from '../../../../lib/core/record.ts';
import { eventReader, isEvent } from '../../../../lib/sinks/alert/event.ts';
import { type Message, messageOf } from '../../../../lib/sinks/alert/message.ts';
import { type Event, gather, type Notice } from '../../../../lib/sinks/alert/notice.ts';
import { checkOptions, type Options, options } from '../../../../lib/sinks/alert/options.ts';
import { wordings } from '../../../../lib/sinks/alert/wording.ts';

export const slackChannel = { type: 'slack', url: { env: 'SLACK' } };

/** The checked options. Throws a ConfigError with what is wrong. */
export function configOf(given: object): Options {
  const config = parseConfig(options, 'channels' in given ? given : { channel: slackChannel, ...given }, 'connector.sink');
  throwProblems(checkOptions(config));
  return config;
}

export function noticesOf(records: readonly KafkaRecord[], given: object = {}): readonly Notice[] {
  const config = configOf(given);
  const read = eventReader(config);
  const events: Event[] = records.map(read).filter(isEvent);
  return gather(events, 'orders-to-oncall', wordings(config));
}

export function messageFor(records: readonly KafkaRecord[], given: object = {}): Message {
  const [first, ...others] = noticesOf(records, given);
  if (first === undefined) throw new Error('Expected a notice.');
  return messageOf([first, ...others]);
}
