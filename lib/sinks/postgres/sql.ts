/** A name as SQL reads it back exactly. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The longest name that the server does not cut. */
export const maxNameBytes = 63;

const systemColumns: ReadonlySet<string> = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);

/** Whether a column can be called so. */
export function isColumnName(name: string): boolean {
  return name !== '' && Buffer.byteLength(name) <= maxNameBytes && !name.includes('\0') && name.isWellFormed() && !systemColumns.has(name);
}

/** An array as the server reads it: `item` answers the text of each row, which needs quotes unless `plain`, as numbers do. */
export function arrayText<Row>(rows: readonly Row[], plain: boolean, item: (row: Row) => string | number | null | undefined): string {
  let text = '{';
  for (let index = 0; index < rows.length; index++) {
    const found = item(rows[index] as Row);
    if (index > 0) text += ',';
    if (found === null || found === undefined) text += 'NULL';
    else if (plain || typeof found === 'number') text += found;
    else text += special.test(found) ? `"${found.replace(specials, '\\$&')}"` : `"${found}"`;
  }
  return `${text}}`;
}

const special = /["\\]/;
const specials = /["\\]/g;
