import { fieldReader, isObject, type ReadField } from '../../core/field.ts';

export interface AnswerOptions {
  /** Path to the list of items; empty where the answer is the list. */
  readonly items: string;
  readonly status?: string | undefined;
  readonly ok?: string | undefined;
  readonly error?: string | undefined;
  readonly index?: string | undefined;
  readonly lists: 'all' | 'failures';
}

/** What the receiver says about one item of a batch; `unlisted` when a list of failures leaves it out, `silent` when nothing can be read. */
export type ItemAnswer =
  | { readonly is: 'ok' }
  | { readonly is: 'unlisted' }
  | { readonly is: 'status'; readonly status: number; readonly error: string }
  | { readonly is: 'refused'; readonly error: string }
  | { readonly is: 'silent' };

/** One answer per item, in the order in which they were sent; undefined when the body is no such list. */
export type ReadAnswers = (body: string, count: number) => readonly ItemAnswer[] | undefined;

const silent: ItemAnswer = { is: 'silent' };
const ok: ItemAnswer = { is: 'ok' };
const unlisted: ItemAnswer = { is: 'unlisted' };
const okWords = new Set<unknown>([true, 'true', 'ok', 'OK', 'success', 'SUCCESS']);

export function answerReader(options: AnswerOptions): ReadAnswers {
  const items = options.items === '' ? (body: unknown) => body : fieldReader(options.items);
  const [status, okField, error, index] = [options.status, options.ok, options.error, options.index].map((name) =>
    name === undefined ? undefined : fieldReader(name),
  );
  return (body, count) => {
    const list = items(parsed(body));
    if (!Array.isArray(list)) return undefined;
    if (index === undefined && list.length !== count) return undefined;
    const answers = Array<ItemAnswer>(count).fill(options.lists === 'failures' ? unlisted : silent);
    for (const [place, item] of list.entries()) {
      const position = index === undefined ? place : numberOf(index(item));
      const before = position === undefined ? undefined : answers[position];
      if (position === undefined || before === undefined) return undefined; // it speaks of something else than what was sent
      const answer = options.lists === 'failures' ? failureOf(item, { status, error }) : readItem(item, { status, okField, error });
      if (before.is !== 'status' && before.is !== 'refused') answers[position] = answer;
    }
    return answers;
  };
}

interface Fields {
  readonly status: ReadField | undefined;
  readonly okField?: ReadField | undefined;
  readonly error: ReadField | undefined;
}

/** Whatever speaks of a failure counts; without that, something has to speak of success. */
function readItem(item: unknown, { status, okField, error }: Fields): ItemAnswer {
  const said = error?.(item);
  const text = textOf(said);
  const found = numberOf(status?.(item));
  if (found !== undefined && (found < 200 || found > 299)) return { is: 'status', status: found, error: text };
  const flag = okField?.(item);
  if (flag !== undefined && flag !== null && !okWords.has(flag)) return { is: 'refused', error: text };
  if (said !== undefined && said !== null && said !== false && said !== '') return { is: 'refused', error: text };
  const isPositive =
    found !== undefined || okWords.has(flag) || (error !== undefined && isObject(item) && status === undefined && okField === undefined);
  return isPositive ? ok : silent;
}

/** An item of a list of failures is one, whatever it says. */
function failureOf(item: unknown, { status, error }: Fields): ItemAnswer {
  const found = numberOf(status?.(item));
  const text = textOf(error?.(item));
  return found === undefined || (found >= 200 && found <= 299)
    ? { is: 'refused', error: text }
    : { is: 'status', status: found, error: text };
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
}

function textOf(value: unknown): string {
  if (value === undefined || value === null || typeof value === 'boolean') return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
