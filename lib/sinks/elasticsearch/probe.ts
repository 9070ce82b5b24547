import { classify, errorOf, requestRules } from './classification.ts';
import type { SearchClient } from './client.ts';

/** Asks for the indices that were found missing, or for the cluster. A key may be allowed to write without being allowed to look. */
export async function probeTarget(client: SearchClient, missing: Set<string>, signal: AbortSignal): Promise<void> {
  const paths = missing.size === 0 ? ['/'] : [...missing].map((index) => `/${encodeURIComponent(index)}`);
  for (const path of paths) {
    const { status, retryAfterMs } = await client.send({ method: 'HEAD', path, signal });
    if (status === 403) continue;
    const rule = classify(requestRules, undefined, status);
    if (rule.means === 'delivered') continue;
    if (status === 404 && missing.size > 0) throw errorOf(missingIndex, status, {}, '');
    throw errorOf(rule, status, {}, '', retryAfterMs);
  }
  missing.clear();
}

const missingIndex = {
  means: 'config',
  code: 'SINK_TARGET_MISSING',
  message: 'The index does not exist. Create it, or check connector.sink.index.',
} as const;
