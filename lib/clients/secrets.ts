import { ConfigError, errorName, isTransient, RetriableError } from '../core/errors.ts';
import { type SecretReference, secretName } from '../core/secret.ts';

/** The three places a secret can be kept, each answering text or nothing. */
export interface SecretStores {
  readonly env: (name: string) => string | undefined;
  readonly ssm: (name: string) => Promise<string | undefined>;
  readonly secretsManager: (id: string) => Promise<string | undefined>;
}

export interface Secrets {
  /** Answers the secret, from the cache once it was read. Throws a ConfigError that names the reference, or a RetriableError when the store cannot be reached. */
  read(reference: SecretReference): Promise<string>;
  /** Forgets what was read, so that a rotated secret is seen. */
  drop(): void;
}

/** Reads secrets and keeps them until they are dropped. */
export function cachedSecrets(stores: SecretStores): Secrets {
  const cache = new Map<string, Promise<string>>();
  return {
    read(reference) {
      const name = secretName(reference);
      const known = cache.get(name);
      if (known !== undefined) return known;
      const reading = readSecret(reference, stores);
      cache.set(name, reading);
      reading.catch(() => cache.delete(name));
      return reading;
    },
    drop: () => cache.clear(),
  };
}

/** The stores of AWS, their clients loaded only when a reference asks for them, and the process's environment. */
export function awsSecretStores(
  env: Readonly<Record<string, string | undefined>>,
  { timeoutMs = 5_000 }: { readonly timeoutMs?: number } = {},
): SecretStores {
  // Without a way to AWS nobody answers, and the clients would wait for ever.
  const requestHandler = { connectionTimeout: timeoutMs, requestTimeout: timeoutMs, throwOnRequestTimeout: true };
  const options = { maxAttempts: 2, requestHandler };
  return {
    env: (name) => env[name],
    async ssm(name) {
      const { GetParameterCommand, SSMClient } = await import('@aws-sdk/client-ssm');
      const answer = await new SSMClient(options).send(new GetParameterCommand({ Name: name, WithDecryption: true }));
      return answer.Parameter?.Value;
    },
    async secretsManager(id) {
      const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
      const answer = await new SecretsManagerClient(options).send(new GetSecretValueCommand({ SecretId: id }));
      return answer.SecretString;
    },
  };
}

async function readSecret(reference: SecretReference, stores: SecretStores): Promise<string> {
  const name = secretName(reference);
  const value = await fetchSecret(reference, name, stores);
  if (value === undefined || value === '')
    throw new ConfigError(
      'SECRET_MISSING',
      `The secret ${name} is not there. Create it, or set the option that refers to it to one that is.`,
    );
  return 'secretsManager' in reference && reference.field !== undefined ? fieldOf(value, reference.field, name) : value;
}

async function fetchSecret(reference: SecretReference, name: string, stores: SecretStores): Promise<string | undefined> {
  try {
    if ('env' in reference) return stores.env(reference.env);
    return 'ssm' in reference ? await stores.ssm(reference.ssm) : await stores.secretsManager(reference.secretsManager);
  } catch (error) {
    if (isTransient(error) || errorName(error) === 'ThrottlingException')
      throw new RetriableError('SECRET_UNAVAILABLE', `The secret ${name} could not be read for now`, { cause: error });
    throw new ConfigError(
      'SECRET_REFUSED',
      `The secret ${name} could not be read: ${errorName(error)}. Check that it exists, and that the function's role may read it.`,
      { cause: error },
    );
  }
}

function fieldOf(value: string, field: string, name: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    throw new ConfigError(
      'SECRET_MALFORMED',
      `Expected the secret ${name} to be a JSON object, got other text. Store it as one, or leave field out.`,
    );
  }
  const found = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed).find(([key]) => key === field)?.[1] : undefined;
  if (typeof found === 'string' || typeof found === 'number') return String(found);
  throw new ConfigError('SECRET_MALFORMED', `The secret ${name} has no field "${field}". Add it, or set field to one that is there.`);
}
