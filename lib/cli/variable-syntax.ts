/** A text of serverless.yml cut into what stands there and what is a variable. */
export type Piece = { readonly text: string } | { readonly variable: string };

/** One alternative of `${a, b, 'c'}`. */
export type Alternative =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'source'; readonly expression: string };

export interface SourceExpression {
  /** The word before the colon: `env`, `self`, `file` … */
  readonly source: string;
  /** What stands in parentheses after it. */
  readonly parameters: string | undefined;
  readonly address: string | undefined;
}

/** Cuts a text at its outermost `${…}`. What CloudFormation reads itself, such as `${AWS::Region}`, stays text. */
export function cutAtVariables(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (let start = text.indexOf('${'); start !== -1; start = text.indexOf('${', start)) {
    const end = closingBrace(text, start + 2);
    const variable = end === -1 ? '' : text.slice(start + 2, end).trim();
    if (!isVariable(variable)) {
      start += 2;
      continue;
    }
    if (start > from) pieces.push({ text: text.slice(from, start) });
    pieces.push({ variable });
    from = end + 1;
    start = from;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

/** The alternatives of a variable, in the order in which they are tried. */
export function alternatives(variable: string): Alternative[] {
  return splitAtCommas(variable).map((part): Alternative => {
    const quoted = /^'([^']*)'$|^"([^"]*)"$/.exec(part);
    if (quoted !== null) return { kind: 'literal', value: quoted[1] ?? quoted[2] ?? '' };
    if (part === 'null') return { kind: 'literal', value: null };
    if (part === 'true' || part === 'false') return { kind: 'literal', value: part === 'true' };
    if (/^-?\d+(\.\d+)?$/.test(part)) return { kind: 'literal', value: Number(part) };
    return { kind: 'source', expression: part };
  });
}

/** `name(parameters):address`; undefined when it is none. */
export function parseSource(expression: string): SourceExpression | undefined {
  const match = /^([A-Za-z][\w-]*)(?:\((.*)\))?(?::(?!:)(.*)|\.(.*))?$/s.exec(expression);
  if (match?.[1] === undefined || (match[2] === undefined && match[3] === undefined)) return undefined;
  return { source: match[1], parameters: match[2]?.trim(), address: match[3]?.trim() };
}

function isVariable(variable: string): boolean {
  return /^(?:[A-Za-z][\w-]*(?:\(|:(?!:))|\$\{|['"])/.test(variable);
}

function closingBrace(text: string, from: number): number {
  let depth = 0;
  let quote = '';
  for (let index = from; index < text.length; index++) {
    const character = text.charAt(index);
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === "'" || character === '"') quote = character;
    else if (text.startsWith('${', index)) depth++;
    else if (character === '}' && depth-- === 0) return index;
  }
  return -1;
}

function splitAtCommas(variable: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = '';
  let from = 0;
  for (let index = 0; index < variable.length; index++) {
    const character = variable.charAt(index);
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === "'" || character === '"') quote = character;
    else if (character === '{' || character === '(') depth++;
    else if (character === '}' || character === ')') depth--;
    else if (character === ',' && depth === 0) {
      parts.push(variable.slice(from, index).trim());
      from = index + 1;
    }
  }
  parts.push(variable.slice(from).trim());
  return parts;
}
