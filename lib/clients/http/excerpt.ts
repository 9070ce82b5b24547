export interface ExcerptOptions {
  /** Texts that must not appear, whole or in parts. */
  readonly secrets?: readonly string[];
  /** What was sent: a receiver may repeat it, so none of its words appears. */
  readonly values?: readonly string[];
  readonly maxChars?: number;
}

// Long runs of letters and digits mixed are tokens, signatures and ids.
const tokens = /(?=[\w\-+/=.~]*\d)(?=[\w\-+/=.~]*[A-Za-z])[\w\-+/=.~]{20,}/g;
const credentials = /\b(bearer|basic|apikey|token|secret|password|passwd|signature)(["']?\s*[:=]?\s*["']?)[^\s"',;<>]{4,}/gi;
const words = /[\p{L}\p{N}_]+/gu;

/** What an answer says, fit for a message: one line, cut, without secrets, anything that looks like one, and the words that were sent. */
export function excerptOf(text: string, { secrets = [], values = [], maxChars = 200 }: ExcerptOptions = {}): string {
  let line = text.slice(0, maxChars * 10);
  for (const secret of secrets) if (secret !== '') line = line.replaceAll(secret, '***');
  line = line
    .replace(/<(script|style)\b.*?<\/\1>|<[^<>]*>/gis, ' ')
    .replace(/[\p{C}\p{Z}\s]+/gu, ' ')
    .trim()
    .replace(credentials, '$1$2***')
    .replace(tokens, '***');
  const sent = [...values, ...secrets].join('\n').toLowerCase();
  if (sent !== '') line = line.replace(words, (word) => (word.length > 1 && sent.includes(word.toLowerCase()) ? '…' : word));
  const characters = Array.from(line.toWellFormed());
  return (characters.length <= maxChars ? characters : [...characters.slice(0, maxChars - 1), '…']).join('');
}
