import type { BatchMeasurement } from '../core/connector.ts';
import { jsonLog, type Log, type LogFields } from '../core/log.ts';

export interface LogParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
}

const levels = ['debug', 'info', 'warn', 'error'] as const;

/** Writes log lines that carry the id of the request that they belong to. */
export function invocationLog(requestId: () => string | undefined, { env, now, print }: LogParts): Log {
  const level = levels.find((name) => name === env['SLUICE_LOG_LEVEL']) ?? 'info';
  const log = jsonLog(print, { level, now });
  const withRequest = (fields: LogFields | undefined): LogFields => {
    const id = requestId();
    return id === undefined ? { ...fields } : { requestId: id, ...fields };
  };
  return {
    debug: (message, fields) => log.debug(message, withRequest(fields)),
    info: (message, fields) => log.info(message, withRequest(fields)),
    warn: (message, fields) => log.warn(message, withRequest(fields)),
    error: (message, fields) => log.error(message, withRequest(fields)),
  };
}

/** A batch that went through needs no line: its metrics say so. */
export function tellOfTrouble(log: Log, { ms: _, lastError, ...counts }: BatchMeasurement): void {
  if (lastError === undefined) return;
  const fields = { ...counts, class: lastError.class, code: lastError.code, error: lastError.message, at: lastError.at };
  if (counts.redelivered > 0) log.error('Records will be delivered again', fields);
  else log.warn('Records were put aside', fields);
}
