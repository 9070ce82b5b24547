/** A name as SQL reads it back exactly. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The longest name that the server does not cut. */
export const maxNameBytes = 63;

/** An array of what needs no quotes, such as numbers, as the server reads it. */
export function plainArray(items: readonly (string | number | null)[]): string {
  return `{${items.map((item) => item ?? 'NULL').join(',')}}`;
}

/** An array of text as the server reads it. */
export function textArray(items: readonly (string | null)[]): string {
  let text = '{';
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (index > 0) text += ',';
    if (item === null || item === undefined) text += 'NULL';
    else text += special.test(item) ? `"${item.replace(specials, '\\$&')}"` : `"${item}"`;
  }
  return `${text}}`;
}

const special = /["\\]/;
const specials = /["\\]/g;
