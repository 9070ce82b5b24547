import { readFileSync } from 'node:fs';
import { type ApplicationText, buildApplication, run, text_en } from '@stricli/core';
import { ConfigError, ConnectorError } from '../core/errors.ts';
import { routes } from './routes.ts';

/** Errors end in what to do; the stack is for whoever asks for it with --debug. */
function words(debug: boolean): ApplicationText {
  const explain = (error: unknown): string => {
    if (debug && error instanceof Error) return error.stack ?? error.message;
    if (error instanceof ConnectorError) return error.message;
    return `${error instanceof Error ? error.message : String(error)}\nThis was not foreseen. Say --debug to see where it comes from.`;
  };
  return {
    ...text_en,
    exceptionWhileRunningCommand: explain,
    exceptionWhileLoadingCommandFunction: explain,
    exceptionWhileLoadingCommandContext: explain,
  };
}

// Who stops all processes of a service at once, as systemd does, is heard here twice: by itself and by way of sluice.js.
const sameRequestMs = 500;

/** Runs the command line: exit code 0 when it worked, 1 when it failed, 2 when something has to be written or set differently. */
async function main(): Promise<void> {
  const debug = process.argv.includes('--debug');
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  const application = buildApplication(routes, {
    name: 'sluice',
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: 'allow-kebab-for-camel' },
    documentation: { caseStyle: 'convert-camel-to-kebab', disableAnsiColor: (process.env['NO_COLOR'] ?? '') !== '' },
    localization: { loadText: () => words(debug) },
    determineExitCode: (error) => (error instanceof ConfigError ? 2 : 1),
  });
  const stop = new AbortController();
  let askedAt: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      askedAt ??= performance.now();
      stop.abort();
      if (performance.now() - askedAt > sameRequestMs) process.exit(130); // whoever asks twice does not want to wait for the batch
    });
  }
  const { env, stdin, stdout, stderr } = process;
  // Whoever pipes into head has seen enough.
  stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  let commandCode = 0;
  const own = { stdout, stderr, env, exitCode: null as number | string | null };
  const exit = (code: number): void => {
    commandCode = code;
  };
  const context = { process: own, world: { env, stdin, stdout, stderr, signal: stop.signal }, exit };
  await run(
    application,
    process.argv.slice(2).filter((argument) => argument !== '--debug'),
    context,
  );
  // Codes below zero are mistakes of the command line itself.
  const code = Number(own.exitCode ?? 0);
  process.exitCode = code < 0 ? 2 : code > 0 ? code : commandCode;
}

await main();
