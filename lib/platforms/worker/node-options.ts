/**
 * Node options of a process that runs one worker. V8's own 32 MB and more for young objects triple in memory and spare nothing here: what a
 * worker holds while its target answers outlives them anyway.
 */
export const workerNodeOptions: readonly string[] = ['--max-semi-space-size=8'];
