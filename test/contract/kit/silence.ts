import assert from 'node:assert/strict';

/** Listens to log lines and errors for texts that must not be in them: secrets, and the values of records. */
export class Silence {
  readonly #secrets = new Set<string>();
  readonly #values = new Set<string>();
  readonly #heard: { readonly where: string; readonly text: string }[] = [];

  constructor(secrets: readonly string[]) {
    for (const secret of secrets) this.add(secret);
  }

  add(secret: string): void {
    if (secret.length >= 4) this.#secrets.add(secret);
  }

  /** Takes the texts inside of a value that are long enough to be told from words of the field. */
  addValue(value: unknown, depth = 0): void {
    if (typeof value === 'string' && value.length >= 10) this.#values.add(value.slice(0, 24));
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || depth > 3) return;
    for (const inner of Object.values(value).slice(0, 20)) this.addValue(inner, depth + 1);
  }

  hear(line: string): void {
    this.#heard.push({ where: 'a log line', text: line });
  }

  /** Hears an error, its causes and the errors it gathers. */
  hearError(error: unknown, where = 'the message of an error', depth = 0): void {
    if (!(error instanceof Error) || depth > 6) return;
    this.#heard.push({ where, text: error.message });
    this.hearError(error.cause, 'the message of a cause', depth + 1);
    if (error instanceof AggregateError) for (const inner of error.errors) this.hearError(inner, where, depth + 1);
  }

  /** Throws when anything that was heard repeats a secret or a value. */
  expectKept(): void {
    for (const { where, text } of this.#heard) {
      for (const secret of this.#secrets) assert.ok(!text.includes(secret), `Expected no secret in ${where}, found one in: ${text}`);
      for (const value of this.#values) {
        const repeats = text.includes(value) || text.includes(JSON.stringify(value).slice(1, -1));
        assert.ok(!repeats, `Expected no value of a record in ${where}, found one in: ${text}`);
      }
    }
  }
}
