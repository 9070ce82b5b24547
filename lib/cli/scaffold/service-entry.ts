import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isScalar, isSeq, parseDocument, type YAMLMap } from 'yaml';
import { ConfigError } from '../../core/errors.ts';

/**
 * The text of a serverless.yml with one function more, every other line as it was. Throws a ConfigError, with what to paste where, when its functions
 * are not in this file.
 */
export function withFunction(text: string, file: string, name: string, block: string): string {
  const document = parseDocument(text);
  const [mistake] = document.errors;
  if (mistake !== undefined) throw new ConfigError('SERVICE_UNREADABLE', `${file}  ${mistake.message.split('\n')[0]}`);
  const entry = parseDocument(block);
  const functions = document.get('functions', true);
  const isNothing = functions === undefined || (isScalar(functions) && functions.value === null);
  if (!isNothing && !isMap(functions) && !isSeq(functions))
    throw new ConfigError('SERVICE_UNREADABLE', `The functions of ${file} are in another file. Add this there:\n\n${block}`);
  const names = isMap(functions) ? [functions] : isSeq(functions) ? functions.items.filter((item) => isMap(item)) : [];
  if (names.some((map) => map.has(name))) throw new ConfigError('USAGE', `There is a function ${name} in ${file}. Choose another name.`);

  const lines = isMap(functions) ? insertedLines(text, functions, block) : undefined;
  if (lines !== undefined && isSameWithEntry(document, lines, entry)) return lines;
  // Rarer layouts: the document says how it is written, comments are kept.
  const [pair] = isMap(entry.contents) ? entry.contents.items : [];
  if (isNothing) document.set('functions', entry.contents);
  else if (isMap(functions) && pair !== undefined) {
    functions.flow = false;
    functions.add(pair);
  } else if (isSeq(functions)) functions.add(entry.contents);
  return document.toString({ lineWidth: 0 });
}

/** The block below the last function, indented as that is; undefined where functions are not below each other. */
function insertedLines(text: string, functions: YAMLMap, block: string): string | undefined {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.split(newline);
  const start = functions.items.at(-1)?.key;
  const offset = isScalar(start) ? start.range?.[0] : undefined;
  if (functions.flow === true || offset === undefined) return undefined;
  const before = text.slice(0, offset).split(newline);
  const indent = before.at(-1) ?? '';
  if (indent.trim() !== '') return undefined;
  // What is indented more belongs to the last function, comments too.
  let last = before.length - 1;
  for (let index = last + 1; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (line.trim() === '') continue;
    if (!line.startsWith(`${indent} `)) break;
    last = index;
  }
  const added = block
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : indent + line));
  return [...lines.slice(0, last + 1), '', ...added, ...endingIn(lines.slice(last + 1))].join(newline);
}

/** A file ends in a line break, also where it did not. */
function endingIn(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [''] : lines;
}

function isSameWithEntry(document: Document, text: string, entry: Document): boolean {
  const written = parseDocument(text);
  if (written.errors.length > 0) return false;
  const [was, is, added] = [document.toJS(), written.toJS(), entry.toJS()];
  return isDeepStrictEqual(is, { ...was, functions: { ...was.functions, ...added } });
}
