import { count } from '../../../lib/cli/terminal.ts';
import { isObject } from '../../../lib/core/field.ts';
import { type Delivery, startReceiver } from '../../support/servers/webhook-receiver.ts';
import { differentOf, type Findings, shortened, type Target } from '../target.ts';

/** An HTTP server that keeps every request. */
export async function webhookTarget(): Promise<Target> {
  const receiver = await startReceiver();
  const url = `http://127.0.0.1:${receiver.port}/append`;
  return {
    connector: 'quakes-to-webhook',
    label: `an HTTP server of this repository's on 127.0.0.1:${receiver.port}`,
    through: 'as the server got it',
    forgets: true,
    env: { WEBHOOK_URL: url },
    readBack: async () => requests(receiver.deliveries),
    stop: () => receiver.stop(),
  };
}

const shownHeaders = ['content-type', 'content-length', 'user-agent', 'idempotency-key'];

/** The requests of the webhook connector. */
function requests(deliveries: readonly Delivery[]): Findings {
  const items = deliveries.flatMap(({ body }) => itemsOf(body));
  const [example] = deliveries;
  const what = `earthquakes in ${count(deliveries.length)} requests`;
  const [item] = example === undefined ? [] : itemsOf(example.body);
  if (example === undefined || item === undefined) return { what, total: 0, different: 0, lines: [] };
  const headers = shownHeaders.flatMap((name) =>
    example.headers[name] === undefined ? [] : [`${name}: ${String(example.headers[name])}`],
  );
  return {
    ...{ what, total: items.length, different: differentOf(items.map(({ record }) => String(record))) },
    lines: [
      ['one request', `${example.method} ${example.url}   ${headers.join('   ')}`],
      ['its body', shortened(example.body, 200)],
      ['from', `${String(item['record'])} and ${count(itemsOf(example.body).length - 1)} more`],
    ],
  };
}

function itemsOf(body: string): readonly Readonly<Record<string, unknown>>[] {
  const parsed: unknown = JSON.parse(body);
  const items = isObject(parsed) ? parsed['quakes'] : undefined;
  return Array.isArray(items) ? items.filter(isObject) : [];
}
