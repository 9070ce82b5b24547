import type { ConnectorSettings } from '../core/settings.ts';
import type { SampleResult } from './samples/result.ts';
import type { Sample } from './samples/sample-lines.ts';

/** What the process that tries samples is given. */
export interface TestStart {
  readonly handlerFile: string;
  readonly exportName: string;
  readonly settings: ConnectorSettings;
  readonly samples: readonly Sample[];
}

/** What it says: a result for each sample, in their order. */
export type TestMessage =
  | { readonly kind: 'unusable'; readonly message: string }
  | { readonly kind: 'result'; readonly result: SampleResult }
  | { readonly kind: 'end' };
