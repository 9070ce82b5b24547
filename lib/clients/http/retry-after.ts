/** Nobody is left alone for longer: who asks for a century is asked again after an hour, and the longest timers hold 24 days. */
const longestPauseMs = 3_600_000;

/** How long a `Retry-After` header asks to wait, from its seconds or its HTTP date, an hour at most; undefined when it says nothing that can be read. */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return pauseOf(Number(text) * 1_000);
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : pauseOf(dateMs - nowMs);
}

/** A pause that somebody asks for, made one that can be waited for. */
export function pauseOf(askedMs: number): number {
  return Math.min(longestPauseMs, Math.max(0, askedMs));
}
