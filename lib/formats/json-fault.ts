const spaces = /[ \t\n\r]*/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const characters = /[^"\\\u0000-\u001f]*/y;
const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Where a text stops being one JSON value; undefined when it is one. The engine's own message quotes the text, so it cannot be passed on. */
export function jsonFault(text: string): number | undefined {
  const open: ('{' | '[')[] = [];
  let expected: 'value' | 'first value' | 'name' | 'first name' | 'next' = 'value';
  let at = 0;
  for (;;) {
    at = skip(spaces, text, at);
    const found = text[at];
    if (expected === 'next') {
      const inside = open.at(-1);
      if (inside === undefined) return found === undefined ? undefined : at;
      if (found === ',') expected = inside === '{' ? 'name' : 'value';
      else if (found === (inside === '{' ? '}' : ']')) open.pop();
      else return at;
      at++;
    } else if (found === ']' && expected === 'first value') {
      open.pop();
      expected = 'next';
      at++;
    } else if (found === '}' && expected === 'first name') {
      open.pop();
      expected = 'next';
      at++;
    } else if (expected === 'name' || expected === 'first name') {
      if (found !== '"') return at;
      const name = skipString(text, at);
      if (!name.closed) return name.end;
      at = skip(spaces, text, name.end);
      if (text[at] !== ':') return at;
      expected = 'value';
      at++;
    } else if (found === '{' || found === '[') {
      open.push(found);
      expected = found === '{' ? 'first name' : 'first value';
      at++;
    } else if (found === '"') {
      const string = skipString(text, at);
      if (!string.closed) return string.end;
      at = string.end;
      expected = 'next';
    } else {
      const end = skip(scalar, text, at);
      if (end === at) return at;
      at = end;
      expected = 'next';
    }
  }
}

function skipString(text: string, start: number): { readonly end: number; readonly closed: boolean } {
  let at = start + 1;
  for (;;) {
    at = skip(characters, text, at);
    if (text[at] === '"') return { end: at + 1, closed: true };
    const end = skip(escaped, text, at);
    if (end === at) return { end: at, closed: false };
    at = end;
  }
}

function skip(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}
