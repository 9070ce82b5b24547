/** Facts of a log line: origins, counts, codes; never values of records. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

type Level = keyof Log;
const levels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** Writes one JSON object per line, from the given level upwards. */
export function jsonLog(
  write: (line: string) => void,
  { level = 'info', now, fields: common }: { level?: Level; now: () => number; fields?: LogFields },
): Log {
  const from = levels.indexOf(level);
  const at =
    (name: Level) =>
    (message: string, fields?: LogFields): void => {
      if (levels.indexOf(name) >= from)
        write(JSON.stringify({ time: new Date(now()).toISOString(), level: name, message, ...common, ...fields }));
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
