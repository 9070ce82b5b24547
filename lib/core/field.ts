/** Reads one field of a value; undefined when it is not there. */
export type ReadField = (value: unknown) => unknown;

/** Reads a field by its dotted name: the value's own key of exactly that name first (as `flatten` writes them), then step by step. Inherited properties are never read. */
export function fieldReader(name: string): ReadField {
  const steps = name.split('.');
  if (steps.length === 1) return (value) => own(value, name);
  return (value) => {
    const literal = own(value, name);
    if (literal !== undefined) return literal;
    let found = value;
    for (const step of steps) {
      found = own(found, step);
      if (found === undefined) return undefined;
    }
    return found;
  };
}

/** True for what JSON calls an object: neither null, an array nor bytes. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value) && !(value instanceof Date);
}

function own(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
