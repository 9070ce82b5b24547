import type { ClientConfig } from 'pg';
import { ConfigError } from '../../core/errors.ts';
import type { ReadSecret } from '../../core/secret.ts';
import type { Options } from './options.ts';

/** The settings of the client: from the connection string or the fields, with secrets read. */
export async function clientConfig(config: Options, secret: ReadSecret, connector: string): Promise<ClientConfig> {
  const ssl = await sslOf(config.tls, secret);
  const common = { application_name: `sluice ${connector}`.slice(0, 63), ...(ssl === undefined ? {} : { ssl }) };
  if (config.url !== undefined) return { ...common, connectionString: connectionString(await secret(config.url), ssl !== undefined) };
  return {
    ...common,
    ...(config.host === undefined ? {} : { host: config.host }),
    port: config.port,
    ...(config.database === undefined ? {} : { database: config.database }),
    ...(config.user === undefined ? {} : { user: config.user }),
    ...(config.password === undefined ? {} : { password: await secret(config.password) }),
  };
}

/** The text of the secret, without what `tls` decides. Its own words never get into a message. */
function connectionString(text: string, tlsDecides: boolean): string {
  const expected = 'Expected connector.sink.url to hold a connection string such as postgresql://user:password@host:5432/database';
  if (!URL.canParse(text)) throw new ConfigError('SINK_MISCONFIGURED', `${expected}. Special characters in it have to be percent-encoded.`);
  const url = new URL(text);
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw new ConfigError('SINK_MISCONFIGURED', `${expected}.`);
  if (tlsDecides)
    for (const name of [...url.searchParams.keys()]) if (name.startsWith('ssl') || name === 'uselibpqcompat') url.searchParams.delete(name);
  return url.toString();
}

async function sslOf(tls: Options['tls'], secret: ReadSecret): Promise<ClientConfig['ssl']> {
  if (tls === undefined || typeof tls === 'boolean') return tls;
  const { ca, cert, key, servername, verify } = tls;
  return {
    rejectUnauthorized: verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: await secret(key) }),
    ...(servername === undefined ? {} : { servername }),
  };
}
