import { existsSync } from 'node:fs';
import { join } from 'node:path';

const extensions = ['.ts', '.mts', '.js', '.mjs'];

export interface HandlerFile {
  /** The file; without an existing one, where it was looked for first. */
  readonly file: string;
  readonly exportName: string;
  /** What is wrong with `handler`. */
  readonly message?: string;
}

/** Splits `functions/quakes.handler` as Lambda does, at the first dot of the file's name, and finds the file. */
export function findHandlerFile(root: string, handler: unknown): HandlerFile {
  const match = typeof handler === 'string' ? /^(.*?)([^/.]+)\.([^/]+)$/.exec(handler) : null;
  if (match === null)
    return {
      file: root,
      exportName: 'handler',
      message: 'Expected handler to be like functions/name.handler. Set it to the file, a dot and the export.',
    };
  const stem = join(root, match[1] ?? '', match[2] ?? '');
  const exportName = match[3] ?? 'handler';
  const file = extensions.map((extension) => stem + extension).find((candidate) => existsSync(candidate));
  if (file !== undefined) return { file, exportName };
  return {
    file: `${stem}.ts`,
    exportName,
    message: `There is no ${match[1] ?? ''}${match[2] ?? ''}.ts (nor ${extensions.slice(1).join(', ')}). Create it, or correct handler.`,
  };
}
