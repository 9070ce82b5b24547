import { ConfigError } from '../../core/errors.ts';
import type { OpenContext } from '../../core/sink.ts';
import type { StoreOptions } from './options.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When to ask again. */
  readonly expiration?: Date;
}

/** Asked for each request; undefined where the client library finds the credentials of the platform itself. */
export type ReadCredentials = (() => Promise<Credentials>) | undefined;

/** Where requests get their credentials from: the options, or the platform. */
export async function credentialsOf(options: StoreOptions, context: Pick<OpenContext, 'secret' | 'credentials'>): Promise<ReadCredentials> {
  const { credentials, store } = options;
  if (credentials !== undefined) {
    const [accessKeyId, secretAccessKey, sessionToken] = await Promise.all([
      context.secret(credentials.accessKeyId),
      context.secret(credentials.secretAccessKey),
      credentials.sessionToken === undefined ? undefined : context.secret(credentials.sessionToken),
    ]);
    const given = { accessKeyId: accessKeyId.trim(), secretAccessKey: secretAccessKey.trim() };
    return async () => (sessionToken === undefined ? given : { ...given, sessionToken: sessionToken.trim() });
  }
  if (store === 's3') return undefined;
  return async () => {
    const lent = context.credentials?.();
    if (lent === undefined)
      throw new ConfigError('SINK_UNAUTHORIZED', 'The platform lends no credentials for OSS. Set connector.sink.credentials.', {
        unauthorized: true,
      });
    const { accessKeyId, accessKeySecret, securityToken } = lent;
    const token = securityToken === undefined ? {} : { sessionToken: securityToken };
    // They change with each invocation. The client keeps what does not expire, so these have expired when they are handed over.
    return { accessKeyId, secretAccessKey: accessKeySecret, ...token, expiration: new Date(0) };
  };
}
