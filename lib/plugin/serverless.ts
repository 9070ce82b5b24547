/** What the plugin uses of the Serverless Framework (osls 4). */
export interface Serverless {
  readonly serviceDir: string;
  /** serverless.yml, its variables resolved; null outside of a service. */
  readonly configurationInput: Readonly<Record<string, unknown>> | null;
  readonly configSchemaHandler: {
    defineTopLevelProperty(name: string, schema: object): void;
    defineFunctionProperties(provider: string, schema: object): void;
  };
  readonly service: {
    readonly service: string;
    readonly provider: { readonly compiledCloudFormationTemplate?: { readonly Resources: Record<string, unknown> } };
    readonly functions: Readonly<Record<string, ServerlessFunction>>;
  };
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
  extendConfiguration(path: readonly string[], value: unknown): void;
  getProvider(name: 'aws'): {
    getStage(): string;
    /** Region and credentials for a client of AWS. */
    getAwsSdkV3Config(): Promise<{ readonly region: string }>;
    readonly naming: { getLambdaLogicalId(name: string): string };
  };
}

/** A function as the framework keeps it. */
export interface ServerlessFunction {
  readonly name: string;
  environment?: Readonly<Record<string, unknown>>;
  package?: Readonly<Record<string, unknown>>;
}

export interface PluginUtilities {
  readonly log: { warning(text: string): void; notice(text: string): void };
  readonly progress?: { get(name: string): { update(text: string): void; remove(): void } };
}
