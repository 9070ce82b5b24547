import type { FunctionSettings } from '../function-settings.ts';
import type { Answer } from './answer.ts';

/** What the process of a function is started with. */
export interface FunctionStart {
  readonly handlerFile: string;
  readonly exportName: string;
  readonly settings: FunctionSettings;
  /** Runs the connector with its sink replaced by one that shows records. */
  readonly dryRun: boolean;
}

export interface InvokeMessage {
  readonly requestId: string;
  readonly event: unknown;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

/** What the process of a function says. */
export type FunctionMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unusable'; readonly message: string }
  | { readonly kind: 'answer'; readonly requestId: string; readonly answer: Answer };
