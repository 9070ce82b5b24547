import type { Event, Wording } from './notice.ts';
import type { Options } from './options.ts';
import { severities } from './severity.ts';
import { parseLink, parseText, type Text, valueText } from './text.ts';

/** What is written of an event, by its severity or because it is over. Throws a ConfigError for a template that cannot be read. */
export function wordings({
  title,
  text,
  templates,
  link,
}: Pick<Options, 'title' | 'text' | 'templates' | 'link'>): (event: Event) => Wording {
  const path = 'connector.sink';
  const common = parseText(title, `${path}.title`);
  const commonText = text === undefined ? valueText : parseText(text, `${path}.text`);
  const url = link === undefined ? undefined : parseLink(link.url, `${path}.link.url`);
  const read = (own: string | undefined, at: string, otherwise: Text) => (own === undefined ? otherwise : parseText(own, at));
  const known = new Map(
    [...severities, 'resolved' as const].map((which): [string, Wording] => [
      which,
      {
        title: read(templates[which]?.title, `${path}.templates.${which}.title`, common),
        text: read(templates[which]?.text, `${path}.templates.${which}.text`, commonText),
        link: url,
        linkTitle: link?.title ?? '',
      },
    ]),
  );
  const fallback: Wording = { title: common, text: commonText, link: url, linkTitle: link?.title ?? '' };
  return ({ severity, status }) => known.get(status === 'resolved' ? 'resolved' : severity) ?? fallback;
}
