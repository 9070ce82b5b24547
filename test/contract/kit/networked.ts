import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { ConfigError, DataError, RetriableError } from '../../../lib/core/errors.ts';
import { Secret } from '../../../lib/core/secret.ts';
import type { Sink, SinkDefinition } from '../../../lib/core/sink.ts';
import type { Faults } from './mode.ts';

export const password = 'correct horse battery staple';
export const maxValueBytes = 2_000;

/** What a made-up network does at the moment. */
export interface Network extends Faults {
  state: 'pass' | 'refuse' | 'hang' | 'throttle';
  refuse(): void;
  hang(): void;
  cut(): void;
}

/** The sink behind a made-up network, password, place and size limit, so that every fault of the contract can be tried on it. */
export function networked(base: SinkDefinition): { readonly definition: SinkDefinition; readonly network: Network } {
  let cutOff = new AbortController();
  const network: Network = {
    state: 'pass',
    pass() {
      network.state = 'pass';
    },
    refuse() {
      network.state = 'refuse';
    },
    hang() {
      network.state = 'hang';
    },
    cut() {
      cutOff.abort();
      cutOff = new AbortController();
    },
    others: {
      throttled: {
        start() {
          network.state = 'throttle';
        },
        expected: 'retriable',
      },
    },
  };

  const travel = async (signal: AbortSignal): Promise<void> => {
    const cut = cutOff.signal;
    while (network.state === 'hang') {
      if (signal.aborted) break;
      await sleep(5);
      if (cut.aborted) break;
    }
    if (cut.aborted || signal.aborted) throw new RetriableError('SINK_UNREACHABLE', 'The connection broke');
    if (network.state === 'throttle') throw new RetriableError('SINK_THROTTLED', 'Too many requests');
    if (network.state === 'refuse') throw new RetriableError('SINK_UNREACHABLE', 'Nothing listens');
  };

  const definition: SinkDefinition = {
    ...base,
    config: Type.Object({ ...base.config.properties, password: Secret({ description: 'Password.' }), place: Type.String() }),
    async open(config, context) {
      const { password: reference, place, ...rest } = config as { password: { env: string }; place: string };
      const given = await context.secret(reference);
      const sink: Sink = await base.open(rest, context);
      const enter = async (signal: AbortSignal): Promise<void> => {
        await travel(signal);
        if (given !== password) throw new ConfigError('SINK_UNAUTHORIZED', 'Wrong password', { unauthorized: true });
        if (place !== 'here') throw new ConfigError('SINK_MISCONFIGURED', 'There is no such place');
      };
      return {
        ...sink,
        async write(records, options) {
          await enter(options.signal);
          const tooLarge = records.map(({ value }) => JSON.stringify(value, bigintAsText)?.length > maxValueBytes);
          if (!tooLarge.includes(true)) return sink.write(records, options);
          const rest = await sink.write(
            records.filter((_, index) => !tooLarge[index]),
            options,
          );
          const left = [...rest];
          return tooLarge.map((large) => (large ? new DataError('SINK_TOO_LARGE', 'Record is too large') : (left.shift() ?? 'ignored')));
        },
        probe: ({ signal }) => enter(signal),
      };
    },
  };
  return { definition, network };
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
