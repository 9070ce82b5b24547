import type { Compression } from './compress.ts';
import type { HttpAnswer } from './request.ts';
import { ServiceError } from './service-error.ts';

const encodings = { none: {}, deflate: { 'content-encoding': 'deflate' }, zstd: { 'content-encoding': 'zstd' } } as const;

/** The headers of a body of rows. */
export function contentHeaders(compression: Compression): Readonly<Record<string, string>> {
  return { 'content-type': 'application/octet-stream', ...encodings[compression] };
}

/** Throws a ServiceError `LegacyDateTransform` where datetimes are not milliseconds in UTC, which would store wrong ones. */
export function noLegacyDates({ headers }: HttpAnswer): void {
  if (headers['odps-tunnel-date-transform'] === 'true') throw new ServiceError(200, { code: 'LegacyDateTransform' });
}
