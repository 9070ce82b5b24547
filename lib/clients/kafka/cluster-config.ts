import { type Static, Type } from 'typebox';
import { deployed } from '../../core/deployed.ts';
import { ConfigError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';

const tagged = <Tag extends string>(type: Tag) => Type.Literal(type);

const saslAuth = <Tag extends string>(type: Tag) =>
  Type.Object({
    type: tagged(type),
    secret: Type.Optional(Secret({ description: 'Secret with {"username": …, "password": …}, the form that AWS Lambda reads too.' })),
    username: Type.Optional(
      Type.Union([Type.String(), Secret({ description: 'User name.' })], {
        description: 'User name, when the secret holds only the password.',
      }),
    ),
    password: Type.Optional(Secret({ description: 'Password, when it is kept apart from the user name.' })),
  });

/** How a client shows who it is. `none` is for brokers that do not ask. */
export const authSchema = Type.Union(
  [
    Type.Object({ type: tagged('none') }),
    saslAuth('sasl-plain'),
    saslAuth('sasl-scram-256'),
    saslAuth('sasl-scram-512'),
    Type.Object({
      type: tagged('mtls'),
      secret: Type.Optional(
        Secret({
          description: 'Secret with {"certificate": …, "privateKey": …, "privateKeyPassword": …}, PEM, the form that AWS Lambda reads too.',
        }),
      ),
      certificate: Type.Optional(Secret({ description: 'Client certificate with its chain, PEM.' })),
      privateKey: Type.Optional(Secret({ description: 'Private key of the certificate, PEM.' })),
      privateKeyPassword: Type.Optional(Secret({ description: 'Password of the private key.' })),
    }),
    Type.Object({
      type: tagged('oauthbearer'),
      token: Type.Optional(
        Secret({ description: 'A token that somebody else keeps fresh in this secret. It is read again before it expires.' }),
      ),
      tokenEndpoint: Type.Optional(Type.String({ format: 'uri', description: 'Token endpoint for the client credentials grant.' })),
      clientId: Type.Optional(Type.String({ description: 'Client id at the token endpoint.' })),
      clientSecret: Type.Optional(Secret({ description: 'Client secret at the token endpoint.' })),
      scope: Type.Optional(Type.String({ description: 'Scopes to ask for, separated by spaces.' })),
      audience: Type.Optional(Type.String({ description: 'Audience to ask for, where the token endpoint wants one.' })),
      extensions: Type.Optional(
        Type.Record(Type.String(), Type.String(), { description: 'SASL extensions to send with the token, e.g. logicalCluster.' }),
      ),
    }),
    Type.Object({
      type: tagged('msk-iam'),
      region: Type.Optional(Type.String({ description: "AWS region of the cluster; the function's own when not given." })),
      roleArn: Type.Optional(Type.String({ description: 'Role to assume first, for a cluster of another account.' })),
    }),
  ],
  { description: 'How to show the cluster who connects.' },
);
export type ClusterAuth = Static<typeof authSchema>;

const tlsSchema = Type.Union(
  [
    Type.Boolean(),
    Type.Object({
      ca: Type.Optional(
        Type.Union([Type.String({ pattern: '-----BEGIN CERTIFICATE-----' }), Secret({ description: 'Certificate authority, PEM.' })], {
          description:
            "Certificate of the authority that signed the brokers', PEM: as text, or a reference to where it is kept. Without it the well-known authorities are trusted.",
        }),
      ),
      serverName: Type.Optional(
        Type.String({ description: "Name to expect in the brokers' certificates, when it is not the host that is connected to." }),
      ),
    }),
  ],
  { description: 'TLS: on by itself with SASL, mTLS and MSK IAM, off otherwise. `false` sends SASL passwords unprotected.' },
);

const serversSchema = deployed(
  Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })], {
    description:
      'Brokers as host:port, a list or separated by commas. On Lambda also the ARN of an Amazon MSK cluster, which an intrinsic function may answer.',
  }),
  'arn:aws:kafka:known-at-deployment',
);

/** The options under `sluice.cluster`, shared by everything that speaks to Kafka. */
export const clusterSchema = Type.Object(
  {
    bootstrapServers: serversSchema,
    auth: Type.Optional(authSchema),
    tls: Type.Optional(tlsSchema),
    clientId: Type.Optional(
      Type.String({ description: "Name under which the cluster's logs and quotas know this client; `sluice` by default." }),
    ),
    vpc: Type.Optional(
      Type.Object(
        {
          subnets: Type.Array(deployed(Type.String()), {
            minItems: 1,
            description: "Subnets from which the cluster's brokers can be reached.",
          }),
          securityGroups: Type.Array(deployed(Type.String()), {
            minItems: 1,
            description: "Security groups that may reach the cluster's brokers.",
          }),
        },
        { description: "The cluster's network, used at deployment." },
      ),
    ),
  },
  { description: 'The Kafka cluster.' },
);
export type ClusterConfig = Static<typeof clusterSchema>;

/** The brokers one by one. Throws a ConfigError for what is not host:port. */
export function brokersOf({ bootstrapServers }: Pick<ClusterConfig, 'bootstrapServers'>): readonly string[] {
  const servers = (typeof bootstrapServers === 'string' ? bootstrapServers.split(',') : bootstrapServers)
    .map((server) => server.trim())
    .filter(Boolean);
  if (servers.length === 0) throw new ConfigError('CONFIG_INVALID', 'Expected cluster.bootstrapServers to name a broker, as host:port.');
  for (const server of servers) {
    if (server.startsWith('arn:'))
      throw new ConfigError(
        'CONFIG_INVALID',
        `Expected cluster.bootstrapServers to be brokers for a client, got an ARN. Set it to what \`aws kafka get-bootstrap-brokers\` lists.`,
      );
    if (!/^[^\s:/]+:\d{1,5}$/.test(server))
      throw new ConfigError('CONFIG_INVALID', `Expected cluster.bootstrapServers to be host:port, got ${JSON.stringify(server)}.`);
  }
  return servers;
}
