/** What the service answers instead of doing what it was asked for. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: string, message: string, { status = statusOf(code), headers = {} }: RefusalOptions = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.headers = headers;
  }
}

interface RefusalOptions {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const statuses: readonly (readonly [RegExp, number])[] = [
  [/^(Unauthorized|SignatureDoesNotMatch|InvalidAccessKeyId)$/, 401],
  [/^(AccessDenied|NoPermission|RequestTimeTooSkewed)$/, 403],
  [/^NoSuch/, 404],
  [/^SchemaModified$/, 412],
  [/^MissingContentLength$/, 411],
  [/^MethodNotAllowed$/, 405],
  [/^(FlowExceeded|SlotExceeded|QPSExceeded)$/, 429],
  [/^InternalServerError$/, 500],
  [/^ServiceUnavailable$/, 503],
];

export function statusOf(code: string): number {
  return statuses.find(([pattern]) => pattern.test(code))?.[1] ?? 400;
}

export type ErrorForm = 'json' | 'xml' | 'html';

interface ErrorFields {
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
  readonly holdClientMs?: number;
}

/** The body of an error in one of the three forms in which clients meet it. */
export function errorBody(form: ErrorForm, { code, message, requestId, holdClientMs }: ErrorFields): { type: string; text: string } {
  switch (form) {
    case 'html':
      return { type: 'text/html', text: `<html><head><title>${code}</title></head><body><hr><center>nginx</center></body></html>` };
    case 'xml': {
      const fields = `<Code>${escapeXml(code)}</Code><Message><![CDATA[${message}]]></Message><RequestId>${requestId}</RequestId>`;
      return {
        type: 'application/xml',
        text: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${fields}<HostId>localhost</HostId></Error>`,
      };
    }
    case 'json': {
      const hold = holdClientMs === undefined ? {} : { HoldClientMillis: holdClientMs };
      return { type: 'application/json', text: JSON.stringify({ Code: code, Message: message, RequestId: requestId, ...hold }) };
    }
  }
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
