import type { Problem } from '../core/config.ts';
import type { Check } from '../platforms/checks.ts';

/** What the process that looks into a function is told. */
export interface CheckStart {
  readonly name: string;
  readonly handlerFile: string;
  readonly exportName: string;
  /** As serverless.yml has them, variables resolved. */
  readonly connector: unknown;
  readonly cluster: unknown;
  readonly groups: readonly string[];
  /** Looks at what the connector needs too, over the network. */
  readonly isLive: boolean;
}

/** What it found: what is wrong with the settings, with paths from the function's block, and with what they need. */
export interface CheckResult {
  readonly problems: readonly Problem[];
  readonly checks: readonly Check[];
}
