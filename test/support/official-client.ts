import type { Readable, Writable } from 'node:stream';
import type { Credentials } from './platform.ts';

/** Credentials as the original's client takes them: temporary ones carry a certificate. */
export interface OfficialCredentials extends Credentials {
  readonly certificate?: string;
}

export interface OfficialStatus {
  readonly taskId: string;
  readonly state: string;
  readonly runs: readonly { readonly state: string; readonly reasonResolved?: string }[];
}

export interface OfficialClaim {
  readonly status: OfficialStatus;
  readonly runId: number;
  readonly takenUntil: string;
  readonly credentials: OfficialCredentials;
}

interface ArtifactAnswer {
  readonly storageType: string;
  readonly putUrl: string;
  readonly name: string;
  readonly projectId: string;
  readonly uploadId: string;
  readonly expires: string;
  readonly credentials: OfficialCredentials;
}

/** The methods of the original's queue client that we call. */
export interface OfficialQueue {
  createTask(taskId: string, task: object): Promise<{ status: OfficialStatus }>;
  task(taskId: string): Promise<{ metadata: { name: string } }>;
  status(taskId: string): Promise<{ status: OfficialStatus }>;
  claimWork(taskQueueId: string, claim: object): Promise<{ tasks: (OfficialClaim & { task: object })[] }>;
  reclaimTask(taskId: string, runId: number): Promise<OfficialClaim>;
  createArtifact(taskId: string, runId: number, name: string, artifact: object): Promise<ArtifactAnswer>;
  finishArtifact(taskId: string, runId: number, name: string, finish: object): Promise<void>;
  listArtifacts(
    taskId: string,
    runId: number,
  ): Promise<{ artifacts: { name: string; storageType: string }[] }>;
  reportCompleted(taskId: string, runId: number): Promise<{ status: OfficialStatus }>;
}

export interface OfficialOptions {
  readonly rootUrl: string;
  readonly credentials: OfficialCredentials;
}

interface OfficialPackage {
  readonly Queue: new (options: OfficialOptions) => OfficialQueue;
  readonly Object: new (options: OfficialOptions) => object;
  slugid(): string;
  fromNow(span: string): Date;
  upload(options: {
    readonly object: object;
    readonly projectId: string;
    readonly name: string;
    readonly uploadId: string;
    readonly expires: string;
    readonly contentType: string;
    readonly contentLength: number;
    readonly streamFactory: () => Promise<Readable>;
  }): Promise<void>;
  downloadArtifact(options: {
    readonly queue: OfficialQueue;
    readonly taskId: string;
    readonly runId?: number;
    readonly name: string;
    readonly streamFactory: () => Promise<Writable>;
  }): Promise<string>;
}

// It brings no types of its own; the name as a variable keeps the compiler from looking for them.
const name = 'taskcluster-client';

/** The original's own JavaScript client. */
export const official = ((await import(name)) as { default: OfficialPackage }).default;
