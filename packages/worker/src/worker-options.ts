import type { Credentials } from '@taskyard/client';
import type { ContainerSettings, EngineChoice } from './engines/index.ts';
import type { InstanceMetadata, Membership } from './registration/index.ts';
import type { WorkerIdentity } from './runs/index.ts';
import type { WorkerLog } from './worker-log.ts';

/** What a worker is told at its start. */
export interface WorkerOptions extends WorkerIdentity {
  readonly rootUrl: string;
  /** Need `queue:claim-work:<taskQueueId>` and `queue:worker-id:<workerGroup>/<workerId>`. */
  readonly credentials: Credentials;
  /** Tasks at a time, 1 to 255. Default 1. */
  readonly capacity?: number;
  /** Runs, caches and downloads. One worker at a time has it. */
  readonly workDir: string;
  /** Default `auto`: bubblewrap where it works, else process. */
  readonly engine?: EngineChoice;
  /** Beside `docker`: the engine for payloads that name no image. Default: they run in containers too. */
  readonly plainEngine?: EngineChoice | undefined;
  /** Where worker-manager has let the worker in: the credentials are then those of the membership. */
  readonly membership?: Membership | undefined;
  /** The worker ends when this says that the cloud takes the machine back. */
  readonly notices?: InstanceMetadata | undefined;
  /** The worker ends after this time without a task; a member only if worker-manager agrees. Default: it stays. */
  readonly idleTimeoutSeconds?: number;
  /** The worker claims nothing more after this time, and ends after its tasks. Default: it stays. */
  readonly lifetimeSecondsMax?: number;
  /** How long running tasks may continue after a stop. Default 0. */
  readonly shutdownGraceSeconds?: number;
  /** Shown to tasks of the bubblewrap engine beside the system's own and the Node that runs this. */
  readonly readOnlyPaths?: readonly string[];
  /** Hidden from them even where a read-only path would show it. The work directory always is. */
  readonly hiddenPaths?: readonly string[];
  /** Not with the process engine: tasks get no network. Default false. */
  readonly isolateNetwork?: boolean;
  /** Variables that tasks find unless they set them themselves. Default none. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The PATH of tasks. Default: a system's usual directories, and the Node that runs this. */
  readonly path?: string;
  /** Between SIGTERM and SIGKILL for a task that must end. Default 10. */
  readonly killGraceSeconds?: number;
  /** The longest maxRunTime that a task may ask for. Default a day. */
  readonly maxRunTimeSecondsMax?: number;
  /** Told to tasks as TASKCLUSTER_WORKER_LOCATION: JSON with `cloud`, `region`, `availabilityZone`. */
  readonly location?: string;
  /** Told to tasks as TASKCLUSTER_INSTANCE_TYPE. */
  readonly instanceType?: string;
  /** Tasks may mount URLs of private addresses even from a sandbox. Default false. */
  readonly allowPrivateUrls?: boolean;
  /** Root URLs of servers whose artifacts tasks may mount although their addresses are private. Default none. */
  readonly otherServers?: readonly string[];
  /** Live logs are read directly at this address of this machine. Default: through the server. */
  readonly liveLogAddress?: string;
  /** No task is claimed while less is free on the disk. Default 512, or half of a smaller disk. */
  readonly freeDiskMiBMin?: number;
  /** An ed25519 key that signs what tasks with `chainOfTrust` make. No such tasks without it. */
  readonly signingKeyPath?: string;
  /** Base URL to which traces are exported by OTLP over HTTP. Default: none are. */
  readonly otlpEndpoint?: string | undefined;
  /** The whole URL, in its place. */
  readonly otlpTracesEndpoint?: string | undefined;
  /** For the docker engine. What is left out has its default. */
  readonly containers?: Partial<ContainerSettings>;
  readonly log?: WorkerLog;
}

/** The worker's credentials and identity at this moment. */
export const credentialsOf = ({ membership, credentials }: WorkerOptions): Credentials =>
  membership?.credentials() ?? credentials;
