import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isObject } from '../../../lib/core/field.ts';

export type Vendor = 'slack' | 'dingtalk' | 'feishu' | 'wecom' | 'teams' | 'pagerduty' | 'alertmanager' | 'webhook';

/** What a vendor took. */
export interface Accepted {
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Path and query as they came. */
  readonly url: string;
}

interface Reply {
  readonly status: number;
  readonly body?: string | object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AlertVendors {
  readonly port: number;
  /** Everything that was taken, in order; an event or alert as often as it came. */
  readonly accepted: Readonly<Record<Vendor, Accepted[]>>;
  /** What PagerDuty makes of its events, by their keys. */
  readonly incidents: ReadonlyMap<string, { readonly event: Record<string, unknown>; readonly isOpen: boolean }>;
  /** What Alertmanager makes of its alerts, by their labels. */
  readonly alerts: ReadonlyMap<string, Record<string, unknown>>;
  /** How many requests came, taken or not. */
  requests(vendor: Vendor): number;
  reset(): void;
  /** Answers this, and takes nothing, until `work`; or so many times. */
  fail(reply: Reply, times?: number): void;
  /** Takes what comes and breaks the connection instead of answering, until `work`. */
  loseAnswers(): void;
  /** Never answers, until `work`. */
  sleep(): void;
  work(): void;
  /** How far the clock of the vendors is ahead. */
  clockSkewMs: number;
  stop(): Promise<void>;
}

export const vendorSecrets = {
  token: 'sentinel-token-0123456789abcdef0123',
  dingtalk: 'SECsentinel0123456789abcdef0123456789abcdef',
  feishu: 'sentinel-feishu-secret',
  webhook: `whsec_${Buffer.from('sentinel-webhook-secret-of-32-by').toString('base64')}`,
  previousWebhook: `whsec_${Buffer.from('sentinel-previous-secret-of-32-b').toString('base64')}`,
  alertmanager: 'sentinel-bearer',
} as const;

/** What makes every vendor call a message bad. */
export const refusedWord = 'REFUSE-THIS';

/** A server that does what the vendors of alert channels do: it verifies signatures, sizes and shapes, and answers with their bodies. */
export async function startAlertVendors(): Promise<AlertVendors> {
  const accepted: Record<Vendor, Accepted[]> = {
    slack: [],
    dingtalk: [],
    feishu: [],
    wecom: [],
    teams: [],
    pagerduty: [],
    alertmanager: [],
    webhook: [],
  };
  const incidents = new Map<string, { event: Record<string, unknown>; isOpen: boolean }>();
  const alerts = new Map<string, Record<string, unknown>>();
  const counts = new Map<Vendor, number>();
  let failure: { reply: Reply; times: number } | undefined;
  let mode: 'work' | 'lose' | 'sleep' = 'work';

  const server = createServer(async (request, response) => {
    const vendor = vendorOf(request);
    if (vendor === undefined) return send(response, { status: 404, body: 'Not Found' });
    counts.set(vendor, (counts.get(vendor) ?? 0) + 1);
    let text: string;
    try {
      text = await read(request);
    } catch {
      return;
    }
    if (mode === 'sleep') return;
    if (failure !== undefined && failure.times > 0) {
      failure.times--;
      return send(response, failure.reply);
    }
    const nowMs = Date.now() + vendors.clockSkewMs;
    const take = (body: Record<string, unknown>): void =>
      void accepted[vendor].push({ body, headers: request.headers, url: request.url ?? '' });
    const reply = answers[vendor]({ request, text, nowMs, take, incidents, alerts });
    if (mode === 'lose') return void response.destroy();
    send(response, { ...reply, headers: { date: new Date(nowMs).toUTCString(), ...reply.headers } });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const vendors: AlertVendors = {
    port: (server.address() as AddressInfo).port,
    accepted,
    incidents,
    alerts,
    requests: (vendor) => counts.get(vendor) ?? 0,
    reset() {
      for (const list of Object.values(accepted)) list.length = 0;
      for (const map of [incidents, alerts, counts]) map.clear();
    },
    fail(reply, times = Number.POSITIVE_INFINITY) {
      failure = { reply, times };
    },
    loseAnswers() {
      mode = 'lose';
    },
    sleep() {
      mode = 'sleep';
    },
    work() {
      mode = 'work';
      failure = undefined;
    },
    clockSkewMs: 0,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return vendors;
}

const paths: Readonly<Record<Vendor, RegExp>> = {
  slack: /^\/services\//,
  dingtalk: /^\/robot\/send/,
  feishu: /^\/open-apis\/bot\/v2\/hook\//,
  wecom: /^\/cgi-bin\/webhook\/send/,
  teams: /^\/workflows\//,
  pagerduty: /^\/v2\/enqueue$/,
  alertmanager: /^\/api\/v2\/alerts$/,
  webhook: /^\/hook/,
};

function vendorOf({ method, url = '' }: IncomingMessage): Vendor | undefined {
  return method === 'POST' ? (Object.keys(paths) as Vendor[]).find((vendor) => paths[vendor].test(url)) : undefined;
}

interface Call {
  readonly request: IncomingMessage;
  readonly text: string;
  readonly nowMs: number;
  readonly take: (body: Record<string, unknown>) => void;
  readonly incidents: Map<string, { event: Record<string, unknown>; isOpen: boolean }>;
  readonly alerts: Map<string, Record<string, unknown>>;
}

const answers: Readonly<Record<Vendor, (call: Call) => Reply>> = {
  slack({ request, text, take }) {
    const [, , , , token] = (request.url ?? '').split('/');
    if (token === 'gone') return { status: 404, body: 'no_service' };
    if (token !== vendorSecrets.token) return { status: 403, body: 'invalid_token' };
    const body = json(text);
    if (body === undefined) return { status: 400, body: 'invalid_payload' };
    const blocks = Array.isArray(body['blocks']) ? body['blocks'].filter(isObject) : [];
    if (body['text'] === '' && blocks.length === 0) return { status: 400, body: 'no_text' };
    const texts = blocks.map((block) => ({ type: block['type'], text: textOf(block['text']) }));
    const tooLong = texts.some(
      ({ type, text: content }) => content.length > (type === 'header' ? 150 : 3_000) || (content === '' && type !== 'context'),
    );
    if (blocks.length > 50 || tooLong || text.includes(refusedWord)) return { status: 400, body: 'invalid_blocks' };
    take(body);
    return { status: 200, body: 'ok' };
  },

  dingtalk({ request, text, nowMs, take }) {
    const query = new URL(request.url ?? '', 'http://localhost').searchParams;
    const failed = (errcode: number, errmsg: string) => ({ status: 200, body: { errcode, errmsg } });
    if (query.getAll('access_token').join() !== vendorSecrets.token) return failed(300005, 'token is not exist');
    const timestamp = Number(query.getAll('timestamp').join());
    if (Math.abs(nowMs - timestamp) > 3_600_000) return failed(310000, 'invalid timestamp, more info refer to the documentation');
    const expected = createHmac('sha256', vendorSecrets.dingtalk).update(`${timestamp}\n${vendorSecrets.dingtalk}`).digest('base64');
    if (query.getAll('sign').join() !== expected) return failed(310000, 'sign not match, more info refer to the documentation');
    if (Buffer.byteLength(text) > 20_000) return failed(460101, 'message too long, exceed 20000 bytes');
    const body = json(text);
    if (body === undefined || textOf(body['markdown']) === '' || text.includes(refusedWord)) return failed(40035, 'param error');
    take(body);
    return { status: 200, body: { errcode: 0, errmsg: 'ok' } };
  },

  feishu({ request, text, nowMs, take }) {
    const failed = (code: number, msg: string) => ({ status: 200, body: { code, msg, data: {} } });
    if (!request.url?.endsWith(`/${vendorSecrets.token}`)) return failed(19001, 'param invalid: incoming webhook access token invalid');
    const body = json(text);
    if (body === undefined || Buffer.byteLength(text) > 20_000 || text.includes(refusedWord)) return failed(9499, 'Bad Request');
    const { timestamp, sign } = body;
    const expected = createHmac('sha256', `${String(timestamp)}\n${vendorSecrets.feishu}`)
      .update('')
      .digest('base64');
    const isLate = Math.abs(nowMs / 1_000 - Number(timestamp)) > 3_600;
    if (typeof timestamp !== 'string' || isLate || sign !== expected)
      return failed(19021, 'sign match fail or timestamp is not within one hour from current time');
    take(body);
    return { status: 200, body: { code: 0, msg: 'success', data: {}, StatusCode: 0, StatusMessage: 'success' } };
  },

  wecom({ request, text, take }) {
    const failed = (errcode: number, errmsg: string) => ({ status: 200, body: { errcode, errmsg } });
    if (!request.url?.endsWith(`key=${vendorSecrets.token}`)) return failed(93000, 'invalid webhook url, hint: [1]');
    const body = json(text);
    const [content, max] = body?.['msgtype'] === 'text' ? [textOf(body['text']), 2_048] : [textOf(body?.['markdown']), 4_096];
    if (body === undefined || content === '' || Buffer.byteLength(content) > max || text.includes(refusedWord))
      return failed(40058, 'markdown.content exceed max length 4096. invalid Request Parameter');
    take(body);
    return { status: 200, body: { errcode: 0, errmsg: 'ok' } };
  },

  teams({ request, text, take }) {
    if (!request.url?.includes(`sig=${vendorSecrets.token}`))
      return { status: 401, body: { error: { code: 'DirectApiAuthorizationRequired', message: 'The request must be authenticated.' } } };
    if (Buffer.byteLength(text) > 28_000) return { status: 413, body: 'Request Entity too large' };
    const body = json(text);
    const attachment = Array.isArray(body?.['attachments']) ? body['attachments'][0] : undefined;
    if (
      body === undefined ||
      !isObject(attachment) ||
      attachment['contentType'] !== 'application/vnd.microsoft.card.adaptive' ||
      text.includes(refusedWord)
    )
      return { status: 400, body: { error: { code: 'TriggerInputSchemaMismatch', message: 'The input body does not match its schema.' } } };
    take(body);
    return { status: 202 };
  },

  pagerduty({ text, take, incidents }) {
    const body = json(text);
    const invalid = (error: string) => ({
      status: 400,
      body: { status: 'invalid event', message: 'Event object is invalid', errors: [error] },
    });
    if (body === undefined) return invalid('Event object is invalid JSON');
    if (body['routing_key'] !== vendorSecrets.token.slice(0, 32))
      return { status: 403, body: { status: 'forbidden', message: 'Routing key is not valid' } };
    const { event_action: action, dedup_key: key, payload } = body;
    if (typeof key !== 'string' || key.length > 255) return invalid("'dedup_key' is longer than 255");
    if (action === 'trigger') {
      if (!isObject(payload) || typeof payload['summary'] !== 'string' || payload['summary'] === '')
        return invalid("'payload.summary' is missing or blank");
      if (payload['summary'].length > 1_024 || text.includes(refusedWord)) return invalid("'payload.summary' is invalid");
      if (!['critical', 'error', 'warning', 'info'].includes(String(payload['severity']))) return invalid("'payload.severity' is invalid");
      incidents.set(key, { event: body, isOpen: true });
    } else if (action === 'resolve') {
      const open = incidents.get(key);
      if (open !== undefined) incidents.set(key, { ...open, isOpen: false });
    } else return invalid("'event_action' is invalid");
    take(body);
    return { status: 202, body: { status: 'success', message: 'Event processed', dedup_key: key } };
  },

  alertmanager({ request, text, nowMs, take, alerts }) {
    if (request.headers.authorization !== `Bearer ${vendorSecrets.alertmanager}`) return { status: 401, body: 'Unauthorized' };
    const sent: unknown = JSON.parse(text);
    if (!Array.isArray(sent)) return { status: 400, body: JSON.stringify('parsing alerts body failed') };
    let invalid = 0;
    for (const alert of sent as Record<string, unknown>[]) {
      const labels = isObject(alert['labels']) ? alert['labels'] : {};
      const names = Object.keys(labels).filter((name) => labels[name] !== '');
      const endsBefore = String(alert['endsAt'] ?? '') < String(alert['startsAt'] ?? '');
      if (
        names.length === 0 ||
        names.some((name) => !/^[a-zA-Z_]\w*$/.test(name)) ||
        endsBefore ||
        JSON.stringify(alert).includes(refusedWord)
      ) {
        invalid++;
        continue;
      }
      const identity = JSON.stringify(names.toSorted().map((name) => [name, labels[name]]));
      const isResolved = typeof alert['endsAt'] === 'string' && Date.parse(alert['endsAt']) <= nowMs;
      // What was never firing and is over is nothing to show.
      if (!isResolved || alerts.has(identity)) alerts.set(identity, { ...alerts.get(identity), ...alert, isResolved });
      take(alert);
    }
    return invalid > 0 ? { status: 400, body: JSON.stringify('at least one label pair required') } : { status: 200 };
  },

  webhook({ request, text, nowMs, take }) {
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers;
    if (request.url === '/hook/gone') return { status: 410 };
    if (Math.abs(nowMs / 1_000 - Number(timestamp)) > 300) return { status: 401, body: 'timestamp out of tolerance' };
    if (!isSigned(`${String(id)}.${String(timestamp)}.${text}`, String(signature))) return { status: 401, body: 'signature mismatch' };
    const body = json(text);
    if (body === undefined || text.includes(refusedWord)) return { status: 422, body: 'unprocessable' };
    take(body);
    return { status: 204 };
  },
};

/** As a receiver of Standard Webhooks checks it: any signature of the list, symmetric or ed25519, that fits a key it knows. */
function isSigned(content: string, signatures: string): boolean {
  return signatures.split(' ').some((signature) => {
    const [version, given = ''] = signature.split(',');
    if (version === 'v1a') return verify(null, Buffer.from(content), publicKey, Buffer.from(given, 'base64'));
    const key = Buffer.from(vendorSecrets.webhook.slice('whsec_'.length), 'base64');
    const expected = createHmac('sha256', key).update(content).digest();
    const found = Buffer.from(given, 'base64');
    return version === 'v1' && found.length === expected.length && timingSafeEqual(found, expected);
  });
}

const publicKey = createPublicKey({
  key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from('A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=', 'base64').toString('base64url') },
  format: 'jwk',
});

function textOf(part: unknown): string {
  if (!isObject(part)) return '';
  const text = part['text'] ?? part['content'];
  return typeof text === 'string' ? text : '';
}

function json(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, { status, body = '', headers = {} }: Reply): void {
  response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
}
