import assert from 'node:assert/strict';

/** Listens to log lines and errors for texts that must not be in them: secrets, and the values of records. */
export interface Silence {
  addSecret(secret: string): void;
  /** Takes the texts inside of a value that are long enough to be told from words of the field. */
  addValue(value: unknown): void;
  hear(line: string): void;
  /** Hears an error, its causes and the errors it gathers. */
  hearError(error: unknown): void;
  /** Throws when anything that was heard repeats a secret or a value. */
  expectKept(): void;
}

export function silence(): Silence {
  const secrets = new Set<string>();
  const values = new Set<string>();
  const heard: { readonly where: string; readonly text: string }[] = [];

  const addValue = (value: unknown, depth: number): void => {
    if (typeof value === 'string' && value.length >= 10) values.add(value.slice(0, 24));
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || depth > 3) return;
    for (const inner of Object.values(value).slice(0, 20)) addValue(inner, depth + 1);
  };
  const hearError = (error: unknown, where: string, depth: number): void => {
    if (!(error instanceof Error) || depth > 6) return;
    heard.push({ where, text: error.message });
    hearError(error.cause, 'the message of a cause', depth + 1);
    if (error instanceof AggregateError) for (const inner of error.errors) hearError(inner, where, depth + 1);
  };

  return {
    addSecret(secret) {
      if (secret.length >= 8) secrets.add(secret);
    },
    addValue: (value) => addValue(value, 0),
    hear(line) {
      heard.push({ where: 'a log line', text: line });
    },
    hearError: (error) => hearError(error, 'the message of an error', 0),
    expectKept() {
      for (const { where, text } of heard) {
        for (const secret of secrets) assert.ok(!text.includes(secret), `Expected no secret in ${where}, found one in: ${text}`);
        for (const value of values) {
          const repeats = text.includes(value) || text.includes(JSON.stringify(value).slice(1, -1));
          assert.ok(!repeats, `Expected no value of a record in ${where}, found one in: ${text}`);
        }
      }
    },
  };
}
