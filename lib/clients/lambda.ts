import type { EventSourceMappingConfiguration, FunctionConfiguration, LambdaClient } from '@aws-sdk/client-lambda';
import { ConfigError, ConnectorError, errorName, isTransient, RetriableError } from '../core/errors.ts';

/** A trigger as AWS describes it. */
export type Mapping = EventSourceMappingConfiguration;

/** A function's configuration, and the tags by which Sluice knows its own. */
export interface DeployedFunction extends FunctionConfiguration {
  readonly tags: Readonly<Record<string, string>>;
}

export interface Invocation {
  /** The answer, as text. */
  readonly payload: string;
  /** Set when the function threw; the payload then says what. */
  readonly functionError?: string;
}

/** What is asked of AWS Lambda. Every call throws a ConfigError or RetriableError by its name. */
export interface LambdaApi {
  /** Undefined when there is no such function. */
  functionNamed(name: string): Promise<DeployedFunction | undefined>;
  mappings(functionName: string): Promise<readonly Mapping[]>;
  mapping(uuid: string): Promise<Mapping>;
  /** Throws a RetriableError `LAMBDA_BUSY` while another change is under way. */
  enable(uuid: string, enabled: boolean): Promise<void>;
  /** Replaces the environment, unless the function has changed since that revision: then it throws a RetriableError `LAMBDA_BUSY`. */
  setEnvironment(name: string, variables: Readonly<Record<string, string>>, revision: string | undefined): Promise<void>;
  invoke(name: string, payload: unknown, timeoutMs: number): Promise<Invocation>;
}

export interface LambdaOptions {
  /** Otherwise the one of the environment or profile. */
  readonly region?: string | undefined;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const connectTimeoutMs = 5_000;

/** AWS Lambda in a region, with the credentials of the environment, its client loaded now. */
export async function lambdaApi({ region, endpoint, credentials }: LambdaOptions): Promise<LambdaApi> {
  const sdk = await import('@aws-sdk/client-lambda');
  const shared = {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
  const client = new sdk.LambdaClient({ ...shared, maxAttempts: 3, requestHandler: { connectionTimeout: connectTimeoutMs } });
  const send: LambdaClient['send'] = ((command: Parameters<LambdaClient['send']>[0]) =>
    client.send(command).catch((error: unknown) => Promise.reject(toConnectorError(error)))) as LambdaClient['send'];
  return {
    async functionNamed(name) {
      try {
        const { Configuration = {}, Tags = {} } = await send(new sdk.GetFunctionCommand({ FunctionName: name }));
        return { ...Configuration, tags: Tags };
      } catch (error) {
        if (error instanceof ConfigError && error.code === 'LAMBDA_MISSING') return undefined;
        throw error;
      }
    },
    async mappings(functionName) {
      const found: Mapping[] = [];
      let marker: string | undefined;
      do {
        const page = await send(new sdk.ListEventSourceMappingsCommand({ FunctionName: functionName, Marker: marker, MaxItems: 100 }));
        found.push(...(page.EventSourceMappings ?? []));
        marker = page.NextMarker;
      } while (marker !== undefined && marker !== '');
      return found;
    },
    mapping: (uuid) => send(new sdk.GetEventSourceMappingCommand({ UUID: uuid })),
    async enable(uuid, enabled) {
      await send(new sdk.UpdateEventSourceMappingCommand({ UUID: uuid, Enabled: enabled }));
    },
    async setEnvironment(name, variables, revision) {
      const guard = revision === undefined ? {} : { RevisionId: revision };
      await send(new sdk.UpdateFunctionConfigurationCommand({ FunctionName: name, Environment: { Variables: variables }, ...guard }));
    },
    async invoke(name, payload, timeoutMs) {
      const command = new sdk.InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(payload)) });
      const answer = await client
        .send(command, { abortSignal: AbortSignal.timeout(timeoutMs), requestTimeout: timeoutMs })
        .catch((error: unknown) => Promise.reject(toConnectorError(error)));
      const { FunctionError } = answer;
      return {
        payload: Buffer.from(answer.Payload ?? []).toString(),
        ...(FunctionError === undefined || FunctionError === '' ? {} : { functionError: FunctionError }),
      };
    },
  };
}

const missing = new Set(['ResourceNotFoundException']);
const busy = new Set(['ResourceConflictException', 'ResourceInUseException', 'PreconditionFailedException']);
const noCredentials = new Set(['CredentialsProviderError', 'TokenProviderError']);
const refused = new Set([
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'ExpiredTokenException',
  'ExpiredToken',
  'IncompleteSignature',
  'InvalidClientTokenId',
]);

/** Any failure of the client as one that says what to do. */
function toConnectorError(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const name = errorName(error);
  const cause = { cause: error };
  if (missing.has(name)) return new ConfigError('LAMBDA_MISSING', 'AWS Lambda does not know it. Deploy it: npx serverless deploy', cause);
  if (busy.has(name)) return new RetriableError('LAMBDA_BUSY', 'Another change of it is under way at AWS. Try again in a minute', cause);
  if (name === 'TooManyRequestsException') return new RetriableError('LAMBDA_THROTTLED', 'AWS Lambda throttles requests', cause);
  if (noCredentials.has(name))
    return new ConfigError(
      'AWS_UNAUTHORIZED',
      'There are no credentials for AWS. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      cause,
    );
  if (refused.has(name)) return new ConfigError('AWS_UNAUTHORIZED', `AWS refused the credentials (${name}). Sign in again.`, cause);
  if (name === 'AccessDeniedException')
    return new ConfigError(
      'AWS_FORBIDDEN',
      'AWS does not allow this to who is signed in. Allow lambda:GetFunction, ListEventSourceMappings, GetEventSourceMapping, UpdateEventSourceMapping, UpdateFunctionConfiguration and InvokeFunction.',
      cause,
    );
  if (error instanceof Error && error.message.includes('Region is missing'))
    return new ConfigError('AWS_NO_REGION', 'No region of AWS is known. Set provider.region in serverless.yml, or AWS_REGION.', cause);
  if (isTransient(error)) return new RetriableError('AWS_UNREACHABLE', `AWS Lambda did not answer (${name})`, cause);
  return new RetriableError('AWS_FAILED', `AWS Lambda answered with ${name}`, cause);
}
