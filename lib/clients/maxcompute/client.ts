import { type HttpAnswer, httpClient } from './request.ts';
import { readServiceError, ServiceError } from './service-error.ts';
import { type Credentials, requestSigner } from './signature.ts';

export interface ClientSettings {
  readonly project: string;
  /** With its path, e.g. `https://service.cn-hangzhou.maxcompute.aliyun.com/api`. */
  readonly endpoint: string;
  /** Without it the service is asked once. */
  readonly tunnelEndpoint?: string | undefined;
  readonly quota?: string | undefined;
  /** Signs for this region with the newer signature. */
  readonly region?: string | undefined;
  /** As of this request: temporary ones change. */
  readonly credentials: () => Credentials;
  readonly timeoutMs: number;
  readonly connections: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface Call {
  readonly service: 'odps' | 'tunnel';
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Below the endpoint, as it is meant. */
  readonly path: string;
  /** Empty text for a bare name; undefined for what is left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly signal: AbortSignal;
}

export interface Client {
  readonly project: string;
  /** The answer to a call that succeeded. Throws a ServiceError when the service says no, and what the network throws. */
  call(call: Call): Promise<HttpAnswer>;
  close(): void;
}

const userAgent = 'sluice/0.1';
const skewCodes: ReadonlySet<string> = new Set(['RequestTimeTooSkewed', 'ODPS-0410031']);

/** Speaks to a project and its tunnel: signs, finds the tunnel, reads errors. Sends each call once. */
export function openClient(settings: ClientSettings): Client {
  const { project, quota, timeoutMs, now } = settings;
  const http = httpClient({ connections: settings.connections });
  const sign = requestSigner(settings.region);
  const endpoint = withoutSlash(settings.endpoint);
  let clockOffsetMs = 0;

  const send = async (base: string, { service, method, path, query = {}, headers = {}, body, signal }: Call): Promise<HttpAnswer> => {
    const at = new Date(now() + clockOffsetMs);
    const credentials = settings.credentials();
    const parameters = defined({ ...query, ...(service === 'tunnel' ? { quotaName: quota } : {}), curr_project: project });
    const sent: Record<string, string> = {
      date: at.toUTCString(),
      'user-agent': userAgent,
      'x-odps-user-agent': userAgent,
      ...(service === 'tunnel' ? tunnelHeaders : {}),
      ...headers,
      ...(body === undefined && method !== 'GET' ? { 'content-length': '0' } : {}),
    };
    sent['authorization'] = sign({ method, path, query: parameters, headers: sent }, credentials, at);
    if (credentials.securityToken !== undefined) sent['authorization-sts-token'] = credentials.securityToken;
    const url = new URL(`${base}${encodePath(path)}?${encodeQuery(parameters)}`);
    const answer = await http.send({ method, url, headers: sent, body, timeoutMs, signal });
    if (answer.status >= 200 && answer.status < 300) return answer;
    const error = readServiceError(answer, now());
    const serverTime = Date.parse(answer.headers.date ?? '');
    // Signed again by the clock of the service, the next attempt is taken.
    if (error.code !== undefined && skewCodes.has(error.code) && !Number.isNaN(serverTime)) clockOffsetMs = serverTime - now();
    throw error;
  };

  let tunnel: Promise<string> | undefined =
    settings.tunnelEndpoint === undefined ? undefined : Promise.resolve(withoutSlash(settings.tunnelEndpoint));
  const findTunnel = async (signal: AbortSignal): Promise<string> => {
    const query = { service: '', quotaName: quota };
    const { body } = await send(endpoint, { service: 'odps', method: 'GET', path: `/projects/${project}/tunnel`, query, signal });
    const host = body.toString('utf8').trim();
    const found = `${endpoint.slice(0, endpoint.indexOf('://'))}://${host}`;
    if (!/^[\w.:[\]-]+$/.test(host) || !URL.canParse(found)) throw new ServiceError(200, { code: 'TunnelEndpointUnknown' });
    return withoutSlash(found);
  };

  return {
    project,
    async call(call) {
      if (call.service === 'odps') return await send(endpoint, call);
      if (tunnel === undefined) {
        tunnel = findTunnel(call.signal);
        tunnel.catch(() => {
          tunnel = undefined; // whoever comes next asks again
        });
      }
      return await send(await tunnel, call);
    },
    close: () => http.close(),
  };
}

// v1: datetimes are milliseconds in UTC, whatever the calendar of the project.
const tunnelHeaders = {
  'x-odps-tunnel-version': '6',
  'odps-tunnel-date-transform': 'v1',
  'odps-tunnel-sdk-support-schema-evolution': 'true',
};

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

function defined(query: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => (value === '' ? name : `${name}=${encodeURIComponent(value)}`))
    .join('&');
}
