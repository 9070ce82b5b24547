import { type Static, type TObject, Type } from 'typebox';
import type { Problem } from '../../core/config.ts';
import { ConfigError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { parseTemplate } from '../../core/template.ts';
import type { ChannelDefinition } from './channel.ts';
import { alertmanager } from './channels/alertmanager.ts';
import { dingtalk } from './channels/dingtalk.ts';
import { email } from './channels/email.ts';
import { feishu } from './channels/feishu.ts';
import { pagerduty } from './channels/pagerduty.ts';
import { slack } from './channels/slack.ts';
import { teams } from './channels/teams.ts';
import { webhook } from './channels/webhook.ts';
import { wecom } from './channels/wecom.ts';
import { resolveOption, type Severity, severities, severityOption, severitySchema } from './severity.ts';
import { parseLink, parseText } from './text.ts';

const definitions = { slack, teams, dingtalk, feishu, wecom, pagerduty, alertmanager, email, webhook };
/** Every kind of channel, in the order of the reference page. */
export const channelDefinitions: readonly ChannelDefinition[] = Object.values(definitions) as readonly ChannelDefinition[];

const channelOption = Type.Union(
  Object.values(definitions).map(({ options }) => options) as [
    typeof slack.options,
    typeof teams.options,
    typeof dingtalk.options,
    typeof feishu.options,
    typeof wecom.options,
    typeof pagerduty.options,
    typeof alertmanager.options,
    typeof email.options,
    typeof webhook.options,
  ],
);
export type ChannelOptions = Static<typeof channelOption>;

const wording = {
  title: Type.Optional(Type.String({ minLength: 1, description: 'The title, with placeholders.' })),
  text: Type.Optional(Type.String({ minLength: 1, description: 'The text, with placeholders.' })),
};
const Wording = (description: string) => Type.Optional(Type.Object(wording, { description }));
const name = '^[a-zA-Z0-9_-]{1,60}$';

/** The options of the sink, as in serverless.yml. */
export const options = Type.Object({
  channel: Type.Optional({ ...channelOption, description: 'Who is told, when there is one channel. Its type says which options it has.' }),
  channels: Type.Optional(
    Type.Record(Type.String({ pattern: name }), channelOption, { description: 'Who is told, by names that routes refer to.' }),
  ),
  routes: Type.Optional(
    Type.Array(
      Type.Object({
        severity: Type.Optional(Type.Array(severitySchema, { minItems: 1, description: 'For these severities; for all without it.' })),
        to: Type.Array(Type.String({ minLength: 1 }), { description: 'Names of channels. None means that nobody is told.' }),
      }),
      {
        minItems: 1,
        description: 'Which channels are told of what: the first route that fits decides. Without routes all are told of everything.',
      },
    ),
  ),
  severity: severityOption,
  group: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'What a record is about, e.g. {key} or {value.service}. Records of a batch with the same group are one message with a count, and one alert where the vendor knows such things. Without it each record is told of on its own.',
    }),
  ),
  digestOver: Type.Integer({
    minimum: 1,
    default: 5,
    description: 'When a batch comes to more messages than this for a channel that people read, they become one digest.',
  }),
  title: Type.String({
    minLength: 1,
    default: '{connector}',
    description:
      'The title, e.g. "{value.service} is down". {connector}, {severity}, {status}, {count} and {group} are known besides fields.',
  }),
  text: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'The text, in the markup of the channel; what placeholders put in is escaped, so a record can neither mention anybody nor add a link. Without it the value as JSON.',
    }),
  ),
  templates: Type.Object(
    {
      critical: Wording('What is written when it is critical.'),
      error: Wording('What is written for errors.'),
      warning: Wording('What is written for warnings.'),
      info: Wording('What is written for information.'),
      resolved: Wording('What is written when it is over.'),
    },
    { default: {}, description: 'Titles and texts by severity, and for what is over.' },
  ),
  link: Type.Optional(
    Type.Object(
      {
        url: Type.String({ minLength: 1, description: 'Begins with https://, a host and a slash; fields are percent-encoded.' }),
        title: Type.String({ minLength: 1, maxLength: 60, default: 'Open', description: 'What the link says.' }),
      },
      { description: 'A link below the text, e.g. to a dashboard.' },
    ),
  ),
  resolve: Type.Optional(resolveOption),
  repeatMs: Type.Optional(
    Type.Integer({
      minimum: 1_000,
      description:
        'How long the same about a group is not told again to a channel. It is told at once when its severity changes or it is over. Needs store.',
    }),
  ),
  silences: Type.Boolean({
    default: false,
    description:
      'Whether nobody is told of what a row of the table of silences covers: the name of the store table with _silences. Needs store.',
  }),
  store: Type.Optional(
    Type.Object(
      {
        url: Secret({ description: 'Connection string of a PostgreSQL database.' }),
        table: Type.String({
          pattern: '^[a-z_][a-z0-9_]{0,50}$',
          default: 'sluice_alerts',
          description: 'Table that is made when it is not there.',
        }),
        whenDown: Type.Union([Type.Literal('send'), Type.Literal('wait')], {
          default: 'send',
          description: 'What happens while the database cannot be asked: alerts are sent as if there were no store, or wait for it.',
        }),
        timeoutMs: Type.Integer({ minimum: 100, default: 3_000, description: 'Milliseconds after which the database counts as down.' }),
      },
      { description: 'Where the memory is that repeatMs, rateLimit and silences need: functions have none of their own.' },
    ),
  ),
});
export type Options = Static<typeof options>;

/** The channels by their names; a single one is named like its type. */
export function channelsOf({ channel, channels }: Pick<Options, 'channel' | 'channels'>): ReadonlyMap<string, ChannelOptions> {
  return new Map(channel === undefined ? Object.entries(channels ?? {}) : [[channel.type, channel]]);
}

/** Where the options of a channel are. */
export function channelPath({ channel }: Pick<Options, 'channel'>, channelName: string): string {
  return channel === undefined ? `connector.sink.channels.${channelName}` : 'connector.sink.channel';
}

export function definitionFor({ type }: ChannelOptions): ChannelDefinition {
  return definitions[type] as unknown as ChannelDefinition;
}

/** The channels that are told of a severity. */
export function recipients(config: Pick<Options, 'channel' | 'channels' | 'routes'>, severity: Severity): readonly string[] {
  if (config.routes === undefined) return [...channelsOf(config).keys()];
  return config.routes.find(({ severity: only }) => only === undefined || only.includes(severity))?.to ?? [];
}

/** A message for each combination of options that makes no sense. */
export function checkOptions(config: Options): readonly Problem[] {
  const problems: Problem[] = [];
  const say = (path: string, message: string) => problems.push({ path, message });
  if ((config.channel === undefined) === (config.channels === undefined))
    say(
      'channel',
      `Expected either channel or channels, got ${config.channel === undefined ? 'neither' : 'both'}. Set channel to the one that is told.`,
    );
  const channels = channelsOf(config);
  for (const name of Object.keys(config.channels ?? {}))
    if (!/^[a-zA-Z0-9_-]{1,60}$/.test(name)) say(`channels.${name}`, 'Expected the name of a channel to be letters, digits, - and _.');
  if (config.channels !== undefined && channels.size === 0)
    say('channels', 'Expected at least one channel. Set it to who is told, by name.');
  for (const [channelName, channelOptions] of channels) {
    const at = channelPath(config, channelName).slice('connector.sink.'.length);
    for (const { path, message } of (definitionFor(channelOptions) as ChannelDefinition<TObject>).check?.(channelOptions) ?? [])
      say(`${at}.${path}`, message);
    if ('rateLimit' in channelOptions && channelOptions.rateLimit !== undefined && config.store === undefined)
      say(`${at}.rateLimit`, needsStore('Messages are counted over all invocations'));
  }
  checkRoutes(config, channels, say);
  if (config.repeatMs !== undefined && config.store === undefined)
    say('repeatMs', needsStore('What was told is remembered over all invocations'));
  if (config.silences && config.store === undefined) say('silences', needsStore('Silences are rows of a table'));
  if (config.resolve !== undefined && config.group === undefined)
    say('resolve', 'Expected group, as what is over has to say what it is about. Set it to what both records have, e.g. {key}.');
  if (config.resolve !== undefined && config.resolve.field === undefined && !config.resolve.tombstones)
    say('resolve', 'Expected resolve.field, or resolve.tombstones: true. Set field to the one that says that something is over.');
  if (config.resolve?.tombstones === true && /\{(?:value|target)/.test(config.group ?? ''))
    say('group', 'Expected group to be made of the key, as a tombstone has no value. Set it to {key}.');
  return [...problems, ...checkTemplates(config)];
}

function needsStore(reason: string): string {
  return `${reason}, and a function forgets. Set store to a database that keeps it, or leave this out.`;
}

function checkRoutes(config: Options, channels: ReadonlyMap<string, ChannelOptions>, say: (path: string, message: string) => void): void {
  const { routes } = config;
  if (routes === undefined) return;
  const names = [...channels.keys()];
  for (const [index, { to }] of routes.entries()) {
    const unknown = to.find((name) => !channels.has(name));
    if (unknown !== undefined) say(`routes[${index}].to`, `Expected names of channels (${names.join(', ')}), got "${unknown}".`);
  }
  const uncovered = severities.filter((severity) => !routes.some(({ severity: only }) => only === undefined || only.includes(severity)));
  if (uncovered.length > 0)
    say('routes', `Nothing says who is told of ${uncovered.join(', ')}. Add a route for it, with to: [] if nobody is.`);
  const unused = names.filter((name) => !severities.some((severity) => recipients(config, severity).includes(name)));
  if (unused.length > 0) say('routes', `No route leads to ${unused.join(', ')}. Add it to one, or remove the channel.`);
}

function checkTemplates(config: Options): readonly Problem[] {
  const problems: Problem[] = [];
  const attempt = (path: string, parse: () => unknown): void => {
    try {
      parse();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push({ path, message: error.message });
    }
  };
  const { group, title, text, templates, link } = config;
  if (group !== undefined) attempt('group', () => parseTemplate(group, 'group'));
  attempt('title', () => parseText(title, 'title'));
  if (text !== undefined) attempt('text', () => parseText(text, 'text'));
  for (const [which, { title: own, text: ownText } = {}] of Object.entries(templates)) {
    if (own !== undefined) attempt(`templates.${which}.title`, () => parseText(own, `templates.${which}.title`));
    if (ownText !== undefined) attempt(`templates.${which}.text`, () => parseText(ownText, `templates.${which}.text`));
  }
  if (link !== undefined) attempt('link.url', () => parseLink(link.url, 'link.url'));
  for (const [channelName, channel] of channelsOf(config)) {
    if (channel.type !== 'alertmanager') continue;
    const at = channelPath(config, channelName).slice('connector.sink.'.length);
    for (const [label, template] of Object.entries(channel.labels))
      attempt(`${at}.labels.${label}`, () => parseText(template, `${at}.labels.${label}`));
  }
  return problems;
}
