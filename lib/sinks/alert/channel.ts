import type { Static, TObject } from 'typebox';
import type { HttpClient, HttpSettings } from '../../clients/http.ts';
import { ConfigError } from '../../core/errors.ts';
import type { ReadSecret, SecretReference } from '../../core/secret.ts';
import type { ErrorRule, Outcome } from '../../core/sink.ts';
import type { Message } from './message.ts';

/** What a channel is opened with. */
export interface ChannelContext {
  /** The name of the channel, as in connector.sink.channels. */
  readonly name: string;
  /** Where its options are, for messages. */
  readonly path: string;
  readonly secret: ReadSecret;
  readonly now: () => number;
  readonly openHttp: (settings: HttpSettings) => HttpClient;
}

/** A way to tell somebody. */
export interface Channel {
  /** Sends a message once; answers one outcome for each of its notices. Throws a ConnectorError that counts for all of them. */
  send(message: Message, signal: AbortSignal): Promise<readonly Outcome[]>;
  close?(): Promise<void>;
}

export interface ChannelDefinition<Options extends TObject = TObject> {
  readonly type: string;
  readonly options: Options;
  /** The receiver itself tells what comes twice from what is new. */
  readonly deduplicates: boolean;
  /** It knows alerts that are over, and closes them. */
  readonly resolves: boolean;
  /** digest: several notices make one message for people. all: they travel together. one: each is a request of its own. */
  readonly carries: 'digest' | 'all' | 'one';
  readonly errors: readonly ErrorRule[];
  /** A message for each combination that makes no sense; paths are those of the channel's own options. */
  check?(options: Static<Options>): readonly { readonly path: string; readonly message: string }[];
  open(options: Static<Options>, context: ChannelContext): Promise<Channel>;
}

/** Declares a channel: the types of its options follow from `options`. */
export function defineChannel<Options extends TObject>(definition: ChannelDefinition<Options>): ChannelDefinition<Options> {
  return definition;
}

/** The URL that a secret holds. Throws a ConfigError that does not repeat it. */
export async function secretUrl(
  reference: SecretReference,
  { secret, path }: Pick<ChannelContext, 'secret' | 'path'>,
  allowPrivate: boolean,
): Promise<URL> {
  const text = (await secret(reference)).trim();
  const protocols = allowPrivate ? ['https:', 'http:'] : ['https:'];
  if (URL.canParse(text) && protocols.includes(new URL(text).protocol)) return new URL(text);
  throw new ConfigError('SINK_MISCONFIGURED', `Expected the secret of ${path}.url to hold a URL that begins with https://.`);
}
