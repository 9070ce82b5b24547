import { type ConnectorParts, createConnector } from '../../lib/core/connector.ts';
import { silentLog } from '../../lib/core/log.ts';
import { openedSink } from '../../lib/core/opened-sink.ts';
import type { Sink } from '../../lib/core/sink.ts';
import { tolerance } from '../../lib/core/tolerance.ts';
import { fakeClock } from './clock.ts';

export const letterContext = {
  connector: 'orders-to-test',
  sink: 'test',
  configVersion: 'c0ffee00',
  epoch: 0,
  believesReplays: () => false,
};

/** A connector around a sink, decoding key and value as text; everything can be replaced. */
export function connectorAround(sink: Sink, parts: Partial<ConnectorParts> = {}) {
  const clock = parts.clock ?? fakeClock();
  const opened = openedSink(async () => sink, clock.sleep);
  const decode = (bytes: Uint8Array) => ({ value: Buffer.from(bytes).toString() });
  return createConnector({
    name: 'orders-to-test',
    preparation: {
      decodeKey: decode,
      decodeValue: decode,
      carriesJson: false,
      ready: [],
      transform: undefined,
      tombstones: 'pass',
      epoch: 0,
      believesReplays: () => false,
    },
    sink: opened,
    opened,
    letters: undefined,
    dataErrors: 'block',
    tolerance: tolerance('all'),
    concurrency: 4,
    letterContext,
    transformContext: { log: silentLog, secret: async () => '', settings: {} },
    clock,
    report: () => undefined,
    ...parts,
  });
}
