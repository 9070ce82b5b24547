import { count } from '../../../lib/cli/terminal.ts';
import { isObject } from '../../../lib/core/field.ts';
import { type Accepted, startAlertVendors, vendorSecrets } from '../../support/servers/alert-vendors.ts';
import { differentOf, type Findings, shortened, type Target } from '../target.ts';

/** A server that checks and answers as Slack does. */
export async function oncallTarget(): Promise<Target> {
  const vendors = await startAlertVendors();
  return {
    connector: 'quakes-to-oncall',
    label: `a stand-in of this repository's for Slack on 127.0.0.1:${vendors.port}`,
    through: 'as the channel took it',
    forgets: true,
    env: { SLACK_WEBHOOK_URL: `http://127.0.0.1:${vendors.port}/services/T0/B0/${vendorSecrets.token}` },
    readBack: async () => messages(vendors.accepted.slack),
    stop: () => vendors.stop(),
  };
}

const place = /[\w.-]+-\d+@\d+/g;

/** The messages that a channel of Slack took; one message tells of many earthquakes where there are many. */
function messages(accepted: readonly Accepted[]): Findings {
  const told = accepted.map(({ body }) => {
    const texts = textsOf(body['blocks']);
    return { texts, places: texts.join('\n').match(place) ?? [] };
  });
  const places = told.flatMap((message) => message.places);
  const what = `earthquakes in ${count(accepted.length)} messages`;
  const [example] = told.toSorted((a, b) => b.places.length - a.places.length);
  if (example === undefined) return { what, total: 0, different: 0, lines: [] };
  const [heading = '', ...others] = example.texts;
  const lines = others.join('\n').split('\n');
  return {
    ...{ what, total: places.length, different: differentOf(places) },
    lines: [
      ['one message', heading],
      ...lines.slice(0, 2).map((line) => ['', shortened(line)] as const),
      ['from', `${example.places[0] ?? ''} and ${count(example.places.length - 1)} more`],
    ],
  };
}

/** What people see of a message, block after block. */
function textsOf(part: unknown): string[] {
  if (Array.isArray(part)) return part.flatMap(textsOf);
  if (!isObject(part)) return [];
  if (typeof part['text'] === 'string') return [part['text']];
  return [...textsOf(part['text']), ...textsOf(part['elements'])];
}
