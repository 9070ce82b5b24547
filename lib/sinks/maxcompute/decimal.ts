/** A number as DECIMAL columns take it, without an exponent; undefined for what is none or does not fit. */
export function decimalText(
  value: unknown,
  { precision, scale }: { readonly precision: number; readonly scale: number },
  extraDigits: 'error' | 'round',
): string | undefined {
  const spelled = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
  const match = typeof spelled === 'string' ? /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,4}))?$/i.exec(spelled) : null;
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  // The point moves by the exponent: digits are all there is, and `point` of them are in front of it.
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  const before = point <= 0 ? '' : digits.slice(0, point).padEnd(point, '0');
  const after = (point < 0 ? '0'.repeat(-point) : '') + digits.slice(Math.max(0, point));
  const kept = after.slice(0, scale);
  const isExact = /^0*$/.test(after.slice(scale));
  if (!isExact && extraDigits === 'error') return undefined;
  const unscaled = BigInt(`0${before}${kept.padEnd(scale, '0')}`) + (!isExact && (after[scale] ?? '0') >= '5' ? 1n : 0n);
  const text = String(unscaled).padStart(scale + 1, '0');
  if (unscaled !== 0n && String(unscaled).length > precision) return undefined;
  const places = isExact ? kept.length : scale;
  const shown = scale === 0 ? text : `${text.slice(0, -scale)}${places === 0 ? '' : `.${text.slice(-scale).slice(0, places)}`}`;
  return sign === '-' && unscaled !== 0n ? `-${shown}` : shown;
}
