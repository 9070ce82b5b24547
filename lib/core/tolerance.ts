import { ConfigError } from './errors.ts';

/** How many data errors are dead-lettered before they are taken for a mistake of the connector: `all`, `none`, or a share of a window of records. */
export type ToleranceRule = 'all' | { readonly share: number; readonly window: number };

/** One bad schema roll-out must not empty a topic into its dead letter topic: half of twenty records are enough to stop. */
export const defaultTolerance: ToleranceRule = { share: 0.5, window: 20 };

/** Reads `all`, `none` or `5% of 1000`. Throws a ConfigError that names the option. */
export function parseTolerance(text: string | undefined): ToleranceRule {
  if (text === undefined) return defaultTolerance;
  if (text === 'all') return 'all';
  if (text === 'none') return { share: 0, window: 1 };
  const match = /^(\d+(?:\.\d+)?)% of (\d+)$/.exec(text);
  const share = Number(match?.[1]) / 100;
  const window = Number(match?.[2]);
  if (match === null || share > 1 || window < 1) {
    throw new ConfigError(
      'CONFIG_INVALID',
      'Expected connector.onError.tolerance to be all, none or a share such as "5% of 1000", got text. Set it to one of them.',
    );
  }
  return { share, window };
}

/** Judges data errors against what was settled lately. The window is a cache: a new instance starts with an empty one. */
export interface Tolerance {
  /** True when so many of these records are data errors that they, with what was settled before them, reach the rule's share of its window. */
  isExceeded(records: number, dataErrors: number): boolean;
  /** Counts records that were acknowledged. */
  settled(records: number, dataErrors: number): void;
}

/** Half of twenty is reached by ten data errors, whether or not the other ten have come yet. */
export function tolerance(rule: ToleranceRule): Tolerance {
  const recent: { readonly records: number; readonly dataErrors: number }[] = [];
  return {
    isExceeded(records, dataErrors) {
      if (rule === 'all' || dataErrors === 0) return false;
      let seen = records;
      let errors = dataErrors;
      for (let index = recent.length - 1; index >= 0 && seen < rule.window; index--) {
        const before = recent[index];
        seen += before?.records ?? 0;
        errors += before?.dataErrors ?? 0;
      }
      return errors >= rule.share * Math.max(seen, rule.window);
    },
    settled(records, dataErrors) {
      if (rule === 'all' || records === 0) return;
      recent.push({ records, dataErrors });
      let kept = 0;
      for (let index = recent.length - 1; index >= 0; index--) {
        if (kept >= rule.window) {
          recent.splice(0, index + 1);
          break;
        }
        kept += recent[index]?.records ?? 0;
      }
    },
  };
}
