/** The fields of one record of CSV: text, or null for `\N` without quotes. Undefined for what is no single record. */
export function parseCsvRecord(text: string): readonly (string | null)[] | undefined {
  const fields: (string | null)[] = [];
  const end = text.endsWith('\r\n') ? text.length - 2 : text.endsWith('\n') ? text.length - 1 : text.length;
  let at = 0;
  for (;;) {
    if (text[at] === '"' && at < end) {
      let field = '';
      for (let from = at + 1; ; from = at + 1) {
        const quote = text.indexOf('"', from);
        if (quote < 0 || quote >= end) return undefined;
        field += text.slice(from, quote);
        at = quote + 1;
        if (text[at] !== '"' || at >= end) break;
        field += '"';
      }
      if (at < end && text[at] !== ',') return undefined;
      fields.push(field);
    } else {
      const comma = text.indexOf(',', at);
      const to = comma < 0 || comma > end ? end : comma;
      const field = text.slice(at, to);
      if (/["\r\n]/.test(field)) return undefined;
      fields.push(field === '\\N' ? null : field);
      at = to;
    }
    if (at >= end) return fields;
    at++;
  }
}
