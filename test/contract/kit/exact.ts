type Reviver = (this: unknown, name: string, value: unknown, context: { readonly source?: string }) => unknown;
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** JSON.parse that keeps the digits of integers a double cannot hold, as bigints. Readers of targets use it. */
export function parseExact(text: string): unknown {
  return parse(text, (_, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && hasMoreDigits(source) ? BigInt(source) : value,
  );
}

/** True for an integer of more digits than every double keeps; PostgreSQL writes 1e300 with all of its zeros. */
function hasMoreDigits(source: string): boolean {
  return /^-?\d+$/.test(source) && source.replace(/^-|0+$/g, '').length > 15;
}

/** One text per value, whatever the order of its fields; a date is its ISO text, and 1 equals 1n. */
export function exact(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value);
  if (value === undefined || value === null || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return JSON.stringify(value);
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('base64')}`;
  if (Array.isArray(value)) return `[${value.map(exact).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value) ?? typeof value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}: ${exact(field)}`)
    .join(', ')}}`;
}

/** Shortened for a test's message. */
export function brief(text: string, length = 300): string {
  return text.length <= length ? text : `${text.slice(0, length)}… (${text.length} characters)`;
}
