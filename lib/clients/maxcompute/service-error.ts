import type { HttpAnswer } from './request.ts';

/** An answer of the service that says no. Its own words are left out: they may repeat values. */
export class ServiceError extends Error {
  readonly status: number;
  /** A word such as `NoSuchTable`, or digits such as `ODPS-0130131`; undefined where the service gave none. */
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  /** How long the service asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, { code, requestId, retryAfterMs }: Partial<Pick<ServiceError, 'code' | 'requestId' | 'retryAfterMs'>>) {
    super(`MaxCompute answered ${status}${code === undefined ? '' : ` ${code}`}`);
    this.name = 'ServiceError';
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
  }
}

const longestHoldMs = 10_000;

/** Reads an answer that is not a success: XML, JSON or plain text. */
export function readServiceError({ status, headers, body }: HttpAnswer, now: number): ServiceError {
  const text = body.toString('utf8', 0, 20_000).trim();
  const { code, requestId, holdMs } = text.startsWith('<') ? readXml(text) : text.startsWith('{') ? readJson(text) : readPlain(text);
  const waits = [retryAfter(headers['retry-after'], now), holdMs === undefined ? undefined : Math.min(holdMs, longestHoldMs)];
  const known = waits.filter((wait) => wait !== undefined);
  return new ServiceError(status, {
    code: word(code),
    requestId: word(requestId) ?? word(headers['x-odps-request-id']),
    retryAfterMs: known.length === 0 ? undefined : Math.max(...known),
  });
}

interface Read {
  readonly code?: string | undefined;
  readonly requestId?: string | undefined;
  readonly holdMs?: number | undefined;
}

function readXml(text: string): Read {
  const element = (name: string): string | undefined => new RegExp(`<${name}>\\s*(?:<!\\[CDATA\\[)?([^<\\]]*)`).exec(text)?.[1]?.trim();
  // Only an error of the service counts: pages of a proxy are HTML.
  return /<Error[\s>]/.test(text) ? { code: codeOf(element('Code'), element('Message')), requestId: element('RequestId') } : {};
}

function readJson(text: string): Read {
  try {
    const { Code, Message, RequestId, HoldClientMillis } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
    return {
      code: codeOf(textOf(Code), textOf(Message)),
      requestId: textOf(RequestId),
      holdMs: typeof HoldClientMillis === 'number' && HoldClientMillis > 0 ? HoldClientMillis : undefined,
    };
  } catch {
    return {};
  }
}

function readPlain(text: string): Read {
  return { code: codeOf(undefined, text) };
}

/** The code; where there is none, or it says nothing, the digits that the message begins with. */
function codeOf(code: string | undefined, message: string | undefined): string | undefined {
  const digits = /\bODPS-\d{7}\b/.exec(message ?? '')?.[0];
  return code === undefined || code === '' ? digits : code;
}

/** Something that looks like a code: whatever stands between us and the service might answer anything. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.-]{1,100}$/.test(value) ? value : undefined;
}

/** Milliseconds that a `Retry-After` header asks for, in either of its forms. */
function retryAfter(header: unknown, now: number): number | undefined {
  if (typeof header !== 'string' || header === '') return undefined;
  const delayMs = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(delayMs) ? undefined : Math.max(0, delayMs);
}
