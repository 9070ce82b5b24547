import { parseArgs } from 'node:util';
import { definitionOf, openConnector, realClock } from './compose.ts';
import { ConfigError } from './core/errors.ts';
import { checkSink } from './core/settings.ts';
import { fcFunction } from './platforms/fc/function.ts';
import { serveFunction } from './platforms/fc/server.ts';
import { settingsKey } from './platforms/lambda/function-settings.ts';

/** The port that Function Compute calls, unless it says another. */
const defaultPort = 9000;

/** Starts a function made by `connect` as a custom runtime of Function Compute, and keeps it running. `--host` says where to listen besides this machine. */
export async function serve(handler: unknown): Promise<void> {
  const definition = definitionOf(handler);
  if (definition === undefined) throw new ConfigError('FUNCTION_UNUSABLE', 'Expected a handler made by connect(), found something else.');
  const { env } = process;
  const { host } = parseArgs({ options: { host: { type: 'string', default: '127.0.0.1' } } }).values;
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const fn = fcFunction({
    settings: () => Reflect.get(globalThis, settingsKey),
    open: async ({ name, settings, cluster }, { log, reportBatch, credentials }) => {
      const environment = { env, clock: realClock, log, reportBatch, credentials };
      const connector = await openConnector(definition, { name, settings, cluster, environment });
      return { connector, ordered: definition.sink.guarantees(checkSink(definition.sink, settings).config).ordered };
    },
    env,
    now: realClock.now,
    print,
  });
  const server = await serveFunction(fn, { host, port: Number(env['FC_SERVER_PORT'] ?? defaultPort), print });
  print(`Listening on port ${server.port}`);
  process.once('SIGTERM', () => {
    server
      .close()
      .then(() => fn.close())
      .finally(() => process.exit(0));
  });
}
