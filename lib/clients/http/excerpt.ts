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
const longEnough = 2;
const maxSearchedChars = 65_536;

/** Makes of what answers say one line each that is fit for a message: cut, without secrets, anything that looks like one, and the words that were sent. */
export function excerptOf({ secrets = [], values = [], maxChars = 200 }: ExcerptOptions = {}): (text: string) => string {
  const hidden = secrets.filter((secret) => secret !== '');
  const texts = [...hidden, ...values].join('\n').toLowerCase();
  const sent = new Set([...`${texts}\n${unescaped(texts)}`.matchAll(words)].map(([word]) => word));
  // A receiver may also cut what it repeats. In a long text every short word would be found.
  const searched = texts.length <= maxSearchedChars ? texts : hidden.join('\n').toLowerCase();
  const isSent = (word: string): boolean => word.length >= longEnough && (sent.has(word) || searched.includes(word));
  return (text) => {
    let line = unescaped(text.slice(0, maxChars * 10));
    for (const secret of hidden) line = line.replaceAll(secret, '***');
    line = line
      .replace(/<(script|style)\b.*?<\/\1>|<[^<>]*>/gis, ' ')
      .replace(/[\p{C}\p{Z}\s]+/gu, ' ')
      .trim()
      .replace(credentials, '$1$2***')
      .replace(tokens, '***')
      .replace(words, (word) => (isSent(word.toLowerCase()) ? '…' : word));
    const characters = Array.from(line.toWellFormed());
    return (characters.length <= maxChars ? characters : [...characters.slice(0, maxChars - 1), '…']).join('');
  };
}

/** The escapes of JSON, URLs and HTML undone, so that what was sent is recognised in them. */
function unescaped(text: string): string {
  return text
    .replace(/\\+u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/\\+[bfnrt]/g, ' ')
    .replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (_, hex?: string, digits?: string) =>
      character(hex === undefined ? Number(digits) : Number.parseInt(hex, 16)),
    )
    .replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString());
}

function character(code: number): string {
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : ' ';
}
