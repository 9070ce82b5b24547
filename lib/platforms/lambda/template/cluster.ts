import type { ClusterAuth, ClusterConfig } from '../../../clients/kafka/cluster-config.ts';
import type { Problem } from '../../../core/config.ts';
import { isObject } from '../../../core/field.ts';
import type { SecretReference } from '../../../core/secret.ts';
import type { Value } from './resources.ts';

/** One entry of SourceAccessConfigurations. */
export interface SourceAccess {
  readonly Type: string;
  readonly URI?: Value;
}

/** The ARN of an Amazon MSK cluster, when that is what `bootstrapServers` names. */
export function mskArn({ bootstrapServers }: Pick<ClusterConfig, 'bootstrapServers'>): Value | undefined {
  if (isObject(bootstrapServers)) return bootstrapServers as Value; // an intrinsic function: only a resource of the stack has one
  return typeof bootstrapServers === 'string' && bootstrapServers.startsWith('arn:') ? bootstrapServers : undefined;
}

/** How a function's trigger shows the cluster who it is, and what is wrong with that. */
export function sourceAccess(
  cluster: ClusterConfig,
  path = 'sluice.cluster',
): { readonly access: SourceAccess[]; readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const access: SourceAccess[] = [];
  const isMsk = mskArn(cluster) !== undefined;
  const secretArn = (reference: SecretReference | undefined, option: string, form: string): void => {
    const uri: Value | undefined = reference !== undefined && 'secretsManager' in reference ? reference.secretsManager : undefined;
    if (isObject(uri) || uri?.startsWith('arn:')) access.push({ Type: form, URI: uri });
    else
      problems.push({
        path: `${path}.${option}`,
        message: `Lambda's trigger reads credentials from Secrets Manager only. Set ${path}.${option} to { secretsManager: arn } with the ARN of the secret.`,
      });
  };
  readAuth(cluster.auth, { isMsk, path, secretArn, access, problems });
  const { tls, vpc } = cluster;
  if (typeof tls === 'object' && tls.ca !== undefined) {
    if (typeof tls.ca === 'string')
      problems.push({
        path: `${path}.tls.ca`,
        message: `Lambda's trigger reads the certificate authority from Secrets Manager. Set ${path}.tls.ca to { secretsManager: arn, field: certificate }.`,
      });
    else secretArn(tls.ca, 'tls.ca', 'SERVER_ROOT_CA_CERTIFICATE');
  }
  if (!isMsk && vpc !== undefined) {
    for (const subnet of vpc.subnets) access.push({ Type: 'VPC_SUBNET', URI: prefixed('subnet:', subnet) });
    for (const group of vpc.securityGroups) access.push({ Type: 'VPC_SECURITY_GROUP', URI: prefixed('security_group:', group) });
  }
  return { access, problems };
}

function prefixed(prefix: string, value: Value): Value {
  return typeof value === 'string' ? prefix + value : { 'Fn::Join': ['', [prefix, value]] };
}

interface Reading {
  readonly isMsk: boolean;
  readonly path: string;
  readonly secretArn: (reference: SecretReference | undefined, option: string, form: string) => void;
  readonly access: SourceAccess[];
  readonly problems: Problem[];
}

const secretForms = {
  'sasl-plain': 'BASIC_AUTH',
  'sasl-scram-256': 'SASL_SCRAM_256_AUTH',
  'sasl-scram-512': 'SASL_SCRAM_512_AUTH',
  mtls: 'CLIENT_CERTIFICATE_TLS_AUTH',
} as const;

function readAuth(auth: ClusterAuth | undefined, { isMsk, path, secretArn, access, problems }: Reading): void {
  if (auth === undefined) return;
  switch (auth.type) {
    case 'none':
      break;
    case 'msk-iam':
      if (!isMsk) access.push({ Type: 'IAM_AUTH' }); // a mapping of MSK uses it when it is told nothing else
      break;
    case 'oauthbearer': {
      secretArn(auth.clientSecret, 'auth.clientSecret', 'OAUTHBEARER_AUTH');
      const { scope, audience, extensions = {} } = auth;
      const texts = {
        SCOPE: scope,
        AUDIENCE: audience,
        LOGICAL_CLUSTER: extensions['logicalCluster'],
        IDENTITY_POOL: extensions['identityPoolId'],
      };
      for (const [name, text] of Object.entries(texts)) if (text !== undefined) access.push({ Type: `OAUTHBEARER_${name}`, URI: text });
      break;
    }
    default:
      if (isMsk && (auth.type === 'sasl-plain' || auth.type === 'sasl-scram-256'))
        problems.push({ path: `${path}.auth.type`, message: `Amazon MSK knows no ${auth.type}. Use sasl-scram-512, mtls or msk-iam.` });
      else secretArn(auth.secret, 'auth.secret', secretForms[auth.type]);
  }
}
