import { openHttp } from '../../clients/http.ts';
import type { OpenContext } from '../../core/sink.ts';
import { channelMemory } from './memory.ts';
import { channelPath, channelsOf, definitionFor, type Options } from './options.ts';
import { openStore } from './store.ts';
import type { OpenChannel } from './tell.ts';

/** Opens every channel, and the store where there is one. Connects to nothing yet. */
export async function openChannels(config: Options, { connector, secret, now, log }: OpenContext): Promise<readonly OpenChannel[]> {
  const { repeatMs, silences } = config;
  const store =
    config.store === undefined ? undefined : openStore((await secret(config.store.url)).trim(), config.store.table, config.store.timeoutMs);
  return await Promise.all(
    [...channelsOf(config)].map(async ([name, options]): Promise<OpenChannel> => {
      const definition = definitionFor(options);
      const channel = await definition.open(options, { name, path: channelPath(config, name), secret, now, openHttp });
      const rateLimit = 'rateLimit' in options ? options.rateLimit : undefined;
      const remembers = store !== undefined && (repeatMs !== undefined || silences || rateLimit !== undefined);
      const whenDown = config.store?.whenDown ?? 'send';
      const memory = remembers
        ? channelMemory(store, { connector, channel: name, repeatMs, rateLimit, silences, whenDown, log })
        : undefined;
      return { name, definition, channel, memory, store };
    }),
  );
}
