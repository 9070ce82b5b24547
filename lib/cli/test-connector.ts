import { pathToFileURL } from 'node:url';
import { awsSecretStores, cachedSecrets } from '../clients/secrets.ts';
import { definitionOf, preparationOf } from '../compose.ts';
import { jsonLog } from '../core/log.ts';
import { type Preparation, prepare } from '../core/prepare.ts';
import type { SourceRecord } from '../core/record.ts';
import type { TransformContext } from '../core/transform.ts';
import { recordShape, type SampleResult } from './samples/result.ts';
import type { TestMessage, TestStart } from './test-messages.ts';

// The process that tries a connector's samples, started for sluice test: what a transform does to its process stays there.

async function load({ handlerFile, exportName, settings }: TestStart): Promise<Preparation | string> {
  let loaded: Readonly<Record<string, unknown>>;
  try {
    loaded = await import(pathToFileURL(handlerFile).href);
  } catch (error) {
    return `${handlerFile} cannot be loaded: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const handler = loaded[exportName];
  if (typeof handler !== 'function')
    return `${handlerFile} does not export ${exportName}. Export it, or correct handler in serverless.yml.`;
  const definition = definitionOf(handler);
  if (definition === undefined) return `${handlerFile} was not made by connect(), so its transform is not known.`;
  try {
    return preparationOf(definition, settings);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function tryOne(source: SourceRecord, preparation: Preparation, context: TransformContext): Promise<SampleResult> {
  const prepared = await prepare(source, preparation, context);
  if (prepared === null) return { records: [] };
  if ('error' in prepared) {
    const { code, message, cause } = prepared.error;
    return {
      failed: { code, message, ...(cause instanceof Error ? { cause: { message: cause.message, stack: cause.stack ?? '' } } : {}) },
    };
  }
  const records = Array.isArray(prepared) ? prepared : [prepared];
  return { records: records.map((record) => recordShape(record, source)) };
}

/** Returns when the process that asked has it. */
function say(message: TestMessage): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, {}, () => resolve()));
}

process.once('message', async (message) => {
  const start = message as TestStart;
  const preparation = await load(start);
  if (typeof preparation === 'string') await say({ kind: 'unusable', message: preparation });
  else {
    const log = jsonLog((line) => void process.stderr.write(`${line}\n`), { level: 'debug', now: Date.now });
    const { read: secret } = cachedSecrets(awsSecretStores(process.env));
    const context = { log, secret, signal: new AbortController().signal, settings: start.settings.settings };
    for (const { source } of start.samples) await say({ kind: 'result', result: await tryOne(source, preparation, context) });
    await say({ kind: 'end' });
  }
  process.disconnect();
});
process.on('disconnect', () => process.exit(0));
