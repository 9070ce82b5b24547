import { pathToFileURL } from 'node:url';
import { type ConnectorDefinition, definitionOf } from '../compose.ts';
import { ConfigError } from '../core/errors.ts';
import { isObject } from '../core/field.ts';

/** What the function in a file declares. Throws a ConfigError with what the file says when it cannot be loaded. */
export async function loadDefinition(handlerFile: string, exportName: string): Promise<ConnectorDefinition> {
  let loaded: unknown;
  try {
    loaded = await import(pathToFileURL(handlerFile).href);
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    throw new ConfigError('FUNCTION_UNUSABLE', `${handlerFile} cannot be loaded: ${reason}`, { cause });
  }
  const definition = definitionOf(isObject(loaded) ? loaded[exportName] : undefined);
  if (definition !== undefined) return definition;
  throw new ConfigError(
    'FUNCTION_UNUSABLE',
    `${handlerFile} does not export ${exportName} made by connect(). Export it, or correct handler in serverless.yml.`,
  );
}
