import { DataError } from '../core/errors.ts';
import { type Origin, originName } from '../core/record.ts';

/** A DataError `RECORD_UNDECODABLE`; the origin is added to the message, which says what was expected and never what the bytes hold. */
export function undecodable(message: string, origin: Origin): DataError {
  return new DataError('RECORD_UNDECODABLE', `${message} (${originName(origin)})`);
}
