/** Milliseconds since the epoch as the server reads an instant, to the microsecond; undefined for what no Date can hold. */
export function instantText(ms: number): string | undefined {
  const whole = Math.floor(ms);
  const date = new Date(whole);
  const micros = Math.round((ms - whole) * 1_000);
  if (Number.isNaN(date.getTime())) return undefined;
  if (micros === 1_000) return instantText(whole + 1);
  const rest = date.toISOString().slice(-20, -1) + (micros === 0 ? '' : String(micros).padStart(3, '0'));
  const year = date.getUTCFullYear();
  // The year before 1 is 1 BC.
  const numbered = String(year > 0 ? year : 1 - year).padStart(4, '0');
  return `${numbered}${rest}Z${year > 0 ? '' : ' BC'}`;
}

/** The time of day of a date; undefined for one that is none. */
export function clockText(date: Date): string | undefined {
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString().slice(-13);
}
