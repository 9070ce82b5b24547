/** Makes a value of a record harmless where it is shown: it can neither mention anybody nor become a link. Works character by character. */
export type Escape = (value: string) => string;

const breaker = '\u200b';
// A name such as example.com becomes a link by itself, a number such as 7.1 does not. The end counts, as values are also escaped piece by piece.
const linkParts = /[<\]@]|:(?=\/|$)|\.(?=\p{L}|$)/gu;
const labelParts = /[<\]]|@(?!\d)|:(?=\/|$)|\.(?=\p{L}|$)/gu;

/** Control characters and those that turn the direction of text would let a value hide or fake what is around it. */
export const printable: Escape = (value) => value.replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, keepLineEnd);

/** For where there is one line only: titles and subjects. */
export const oneLine: Escape = (value) => printable(value).replace(/[\n\t\u2028\u2029]/g, ' ');

/**
 * Breaks what chat programs turn into links, mentions and pictures with a space that has no width: the vendors neither document
 * nor agree on how their markup is escaped, and what is broken stays readable.
 */
export const broken: Escape = (value) => printable(value).replace(linkParts, `$&${breaker}`);

/** As `broken`, for where there is one line only. */
export const brokenLine: Escape = (value) => broken(oneLine(value));

/** As `brokenLine`, but origins such as orders-0@25 stay as they are: nobody is called by digits. */
export const label: Escape = (value) => oneLine(value).replace(labelParts, `$&${breaker}`);

/** The three characters that Slack wants as entities; its text is sent such that nothing else is looked for in it. */
export const slackText: Escape = (value) => printable(value).replace(/[&<>]/g, (character) => slackEntities[character] ?? character);

/** For Feishu's card markup, whose special characters are written as entities. */
export const feishuMarkdown: Escape = (value) =>
  broken(value).replace(/[&<>*_~`[\]()#!@]/g, (character) => `&#${character.charCodeAt(0)};`);

/** For HTML, inside of elements and attributes; links that mail programs make by themselves are broken. */
export const html: Escape = (value) => broken(value).replace(/[&<>"']/g, (character) => htmlEntities[character] ?? character);

const slackEntities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const htmlEntities: Readonly<Record<string, string>> = { ...slackEntities, '"': '&quot;', "'": '&#39;' };

function keepLineEnd(character: string): string {
  return character === '\n' || character === '\t' ? character : '';
}
