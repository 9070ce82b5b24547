import { pathToFileURL } from 'node:url';
import { definitionOf } from '../compose.ts';
import { connect } from '../connect.ts';
import { ConnectorError } from '../core/errors.ts';
import { isObject } from '../core/field.ts';
import type { Answer } from '../platforms/lambda/emulator/answer.ts';
import type { FunctionMessage, FunctionStart, InvokeMessage } from '../platforms/lambda/emulator/function-messages.ts';
import { type FunctionSettings, settingsKey } from '../platforms/lambda/function-settings.ts';
import { showing } from './dry-run.ts';

// The process of one function, started for sluice dev: loads the handler as Lambda would and calls it with each event.

type Handler = (event: unknown, context: object) => unknown;

async function load({ handlerFile, exportName, settings, dryRun }: FunctionStart): Promise<Handler | string> {
  Reflect.set(globalThis, settingsKey, dryRun ? withoutLetters(settings) : settings);
  let loaded: unknown;
  try {
    loaded = await import(pathToFileURL(handlerFile).href);
  } catch (error) {
    return `${handlerFile} cannot be loaded: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const handler = isModule(loaded) ? loaded[exportName] : undefined;
  if (typeof handler !== 'function')
    return `${handlerFile} does not export ${exportName}. Export it, or correct handler in serverless.yml.`;
  if (!dryRun) return handler as Handler;
  const definition = definitionOf(handler);
  if (definition === undefined) return `${handlerFile} was not made by connect(), so its sink is not known and there is no dry run of it.`;
  return connect({ ...definition, sink: showing(definition.sink) }) as Handler;
}

/** Nothing is written in a dry run, letters neither. */
function withoutLetters(settings: FunctionSettings): FunctionSettings {
  return { ...settings, connector: isObject(settings.connector) ? { ...settings.connector, onError: 'skip' } : settings.connector };
}

async function invoke(handler: Handler, { event, requestId, deadline }: InvokeMessage): Promise<Answer> {
  const context = {
    awsRequestId: requestId,
    functionName: process.env['AWS_LAMBDA_FUNCTION_NAME'],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  try {
    return { kind: 'response', response: await handler(event, context) };
  } catch (error) {
    if (error instanceof ConnectorError) return { kind: 'error', name: error.name, message: error.message, code: error.code };
    if (error instanceof Error) return { kind: 'error', name: error.name, message: error.message };
    return { kind: 'error', name: 'Error', message: String(error) };
  }
}

function isModule(loaded: unknown): loaded is Readonly<Record<string, unknown>> {
  return typeof loaded === 'object' && loaded !== null;
}

function say(message: FunctionMessage): void {
  process.send?.(message);
}

process.once('message', async (start) => {
  const handler = await load(start as FunctionStart);
  if (typeof handler === 'string') return say({ kind: 'unusable', message: handler });
  process.on('message', async (message) => {
    const call = message as InvokeMessage;
    say({ kind: 'answer', requestId: call.requestId, answer: await invoke(handler, call) });
  });
  say({ kind: 'ready' });
});
// Ctrl-C reaches the whole group: the process that started this one lets the batch end.
process.on('SIGINT', () => undefined);
// Without the process that started it nobody gives it events any more.
process.on('disconnect', () => process.exit(0));
