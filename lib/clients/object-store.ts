/** What an object carries beside its bytes. */
export interface ObjectHeaders {
  readonly contentType: string;
  readonly contentEncoding?: string;
  /** Names in lower case with hyphens, values in printable ASCII; together at most 2 KB, the least a store allows. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a store knows of an object without reading it. */
export interface ObjectHead {
  readonly name: string;
  /** Bytes as stored. */
  readonly size: number;
  /** Names in lower case, without the store's own prefix. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Part of a listing: names that begin with `prefix`, after `startAfter` and before `endBefore`, neither of which needs to exist. */
export interface ListRange {
  readonly prefix: string;
  readonly startAfter?: string;
  readonly endBefore?: string;
}

export interface ObjectOptions {
  /** Aborts the request; nothing is in flight once the call has thrown. */
  readonly signal: AbortSignal;
}

/**
 * A bucket of an object store, by whole names. What goes wrong is thrown as a ConnectorError: retriable when the store cannot answer for
 * now, config when it refuses access (`unauthorized`) or has no such bucket, data when it refuses this object. Nothing is retried here.
 */
export interface ObjectStore {
  /** Stores an object if there is none by that name, in one step. `exists`: there is one, which may be this one when an answer was lost; it is untouched. */
  create(name: string, body: Uint8Array, headers: ObjectHeaders, options: ObjectOptions): Promise<'created' | 'exists'>;
  /** Stores an object, whatever was there. */
  put(name: string, body: Uint8Array, headers: ObjectHeaders, options: ObjectOptions): Promise<void>;
  /** Undefined when there is no such object. Sees every object whose creation was answered before. */
  head(name: string, options: ObjectOptions): Promise<ObjectHead | undefined>;
  /** Ascending by the UTF-8 bytes of the names. Sees every object whose creation was answered before. Stops asking when the caller stops reading. */
  list(range: ListRange, options: ObjectOptions): AsyncIterable<{ readonly name: string }>;
  /** Whether the bucket can be read and written and `create` is honoured; throws a ConfigError or RetriableError when not. */
  probe(options: ObjectOptions): Promise<void>;
  close(): Promise<void>;
}
