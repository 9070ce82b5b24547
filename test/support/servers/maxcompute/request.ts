import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/** What a request asks for, by the word that tests know it by. */
export type RequestKind =
  | 'project'
  | 'discovery'
  | 'table'
  | 'partition'
  | 'partitions'
  | 'submit'
  | 'instance'
  | 'create'
  | 'reload'
  | 'block'
  | 'commit'
  | 'openStream'
  | 'reloadStream'
  | 'abortStream'
  | 'writeStream'
  | 'openDownload'
  | 'reloadDownload'
  | 'download';

export interface ServiceRequest {
  readonly kind: RequestKind;
  readonly method: string;
  /** Decoded, without the path of the endpoint: what is signed. */
  readonly path: string;
  /** Decoded; a key without a value has an empty text. */
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingMessage['headers'];
  readonly isTunnel: boolean;
  readonly project: string;
  readonly schema?: string;
  readonly table?: string;
  readonly instance?: string;
}

const metadataBase = '/api';

/** Reads the line and headers of a request; throws a Refusal where there is nothing of that name. */
export function readRequest({ method = 'GET', url = '/', headers }: IncomingMessage): ServiceRequest {
  const [rawPath = '', rawQuery = ''] = splitOnce(url, '?');
  const isTunnel = !rawPath.startsWith(`${metadataBase}/`);
  const segments = (isTunnel ? rawPath : rawPath.slice(metadataBase.length)).split('/').slice(1).map(decodeURIComponent);
  const query = new Map(rawQuery === '' ? [] : rawQuery.split('&').map(decodePair));
  const [projects, project, ...rest] = segments;
  if (projects !== 'projects' || project === undefined)
    throw new Refusal('InvalidURI', 'Expected a path under /projects.', { status: 404 });
  const [schema, below] = rest[0] === 'schemas' ? [rest[1], rest.slice(2)] : [undefined, rest];
  const [collection, name, part] = below;
  const named = {
    ...(schema === undefined ? {} : { schema }),
    ...(collection === 'tables' && name !== undefined ? { table: name } : {}),
    ...(collection === 'instances' && name !== undefined ? { instance: name } : {}),
  };
  const kind = isTunnel ? tunnelKind(method, query, part) : metadataKind(method, query, below);
  return { kind, method, path: `/${segments.join('/')}`, query, headers, isTunnel, project, ...named };
}

function tunnelKind(method: string, query: ReadonlyMap<string, string>, part: string | undefined): RequestKind {
  const has = (name: string) => query.has(name);
  if (part === 'streams') {
    if (method === 'PUT') return 'writeStream';
    if (method === 'POST') return has('uploadid') ? 'abortStream' : 'openStream';
    if (method === 'GET' && has('uploadid')) return 'reloadStream';
  } else if (part === undefined) {
    if (method === 'POST' && has('uploads')) return 'create';
    if (method === 'POST' && has('downloads')) return 'openDownload';
    if (method === 'POST' && has('uploadid')) return 'commit';
    if (method === 'PUT' && has('uploadid')) return 'block';
    if (method === 'GET' && has('downloadid')) return has('data') ? 'download' : 'reloadDownload';
    if (method === 'GET' && has('uploadid')) return 'reload';
  } else throw new Refusal('NotImplemented', `This server has no ${part}.`, { status: 501 });
  throw new Refusal('MethodNotAllowed', `Nothing is done for ${method} with these parameters.`);
}

function metadataKind(method: string, query: ReadonlyMap<string, string>, [collection, name]: readonly string[]): RequestKind {
  if (method === 'GET' && collection === undefined) return 'project';
  if (method === 'GET' && collection === 'tunnel' && query.has('service')) return 'discovery';
  if (method === 'GET' && collection === 'tables' && name !== undefined) {
    if (query.has('partitions')) return 'partitions';
    return query.has('partition') ? 'partition' : 'table';
  }
  if (method === 'POST' && collection === 'instances') return 'submit';
  if (method === 'GET' && collection === 'instances' && name !== undefined) return 'instance';
  throw new Refusal('NoSuchObject', `There is nothing for ${method} ${collection ?? ''}.`);
}

function decodePair(pair: string): [string, string] {
  const [key, value = ''] = splitOnce(pair, '=').map((text) => decodeURIComponent(text.replaceAll('+', ' ')));
  return [key ?? '', value];
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
