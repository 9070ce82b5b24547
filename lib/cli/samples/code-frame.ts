import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where in somebody's code an error was thrown. */
export interface CodePlace {
  /** Relative to the root. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The line itself; undefined when the file cannot be read. */
  readonly code?: string;
}

const ours = fileURLToPath(new URL('../../', import.meta.url));

/** The place nearest to the error in a file below the root that is neither a package's nor ours. */
export function placeOf(stack: string, root: string): CodePlace | undefined {
  const real = existsSync(root) ? realpathSync(root) : root;
  for (const [, location = '', line = '', column = ''] of stack.matchAll(/^\s+at (?:.*\()?(.+?):(\d+):(\d+)\)?$/gm)) {
    const file = location.startsWith('file:') ? fileURLToPath(location) : location;
    if (!file.startsWith(real + sep) || file.includes(`${sep}node_modules${sep}`) || file.startsWith(ours)) continue;
    const code = existsSync(file) ? readFileSync(file, 'utf8').split('\n')[Number(line) - 1] : undefined;
    return { file: relative(real, file), line: Number(line), column: Number(column), ...(code === undefined ? {} : { code }) };
  }
  return undefined;
}

/** The line with a mark below the place, and what was not there where the error says so. */
export function codeFrame({ line, column, code }: CodePlace, message: string): string[] {
  if (code === undefined) return [];
  const number = String(line);
  const indent = ' '.repeat(column - 1);
  const nothing = nothingAt(code.slice(0, column - 1), message);
  return [`${number} | ${code}`, `${' '.repeat(number.length)} | ${indent}^${nothing === undefined ? '' : ` ${nothing}`}`];
}

/** `record.value.mag is null`, read from what stands before the property. */
function nothingAt(before: string, message: string): string | undefined {
  const kind = /^Cannot read properties of (null|undefined) /.exec(message)?.[1];
  const object = /([\w$][\w$.[\]?!]*?)\??\.$/.exec(before)?.[1];
  return kind === undefined || object === undefined ? undefined : `${object.replaceAll('!', '')} is ${kind}`;
}
