import type { Clock, Database } from '../../base/index.ts';
import type { DemoCloud, Instance, Machine } from '../../demo-cloud/index.ts';
import type { Queue } from '../../queue/index.ts';
import type { Opened } from '../../testing/index.ts';
import { clientIdOf } from '../barred.ts';
import type { OpenedPools } from './index.ts';

const idleTimeoutMs = 60_000;
/** A claim lasts for twenty minutes. */
const reclaimEveryMs = 300_000;

/** What runs on an instance of the demo cloud in a test: a worker whose time is that of the test. */
interface Agent {
  readonly instance: Instance;
  /** By task: its run, when it ends, and when it was claimed last. */
  readonly tasks: Map<string, { readonly runId: number; readonly endsAtMs: number; claimedAtMs: number }>;
  secret: string | undefined;
  idleSinceMs: number;
  isGone: boolean;
  leave(): void;
}

export interface AgentsWorld {
  readonly db: Database;
  readonly clock: Clock;
  readonly queue: Opened<Queue>;
  readonly cloud: DemoCloud;
  context(): OpenedPools;
  /** How long the tasks take. */
  durationMs(taskId: string): number;
  /** Instances that were ended while they ran a task, other than by the cloud. */
  readonly endedBusy: string[];
}

interface UserData {
  readonly workerPoolId: string;
  readonly workerGroup: string;
  readonly providerId: string;
  readonly workerConfig: { readonly taskyard?: { readonly capacity?: number } };
}

const userDataOf = ({ userData = '' }: Instance): UserData =>
  JSON.parse(Buffer.from(userData, 'base64').toString()) as UserData;

/** Reads what an instance is told about itself. */
const identityPart = async (endpoint: string, part: string): Promise<string> => {
  const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
  const granted = await fetch(`${endpoint}/latest/api/token`, { method: 'PUT', headers: ttl });
  const headers = { 'x-aws-ec2-metadata-token': await granted.text() };
  const reply = await fetch(`${endpoint}/latest/dynamic/instance-identity/${part}`, { headers });
  return reply.text();
};

/** The workers on the instances of a cloud. They do in a step what a worker does in the time that has passed. */
export const openAgents = () => {
  const agents = new Map<string, Agent>();
  const start = (instance: Instance, world: () => AgentsWorld): Machine => {
    let leave = (): void => {};
    const ended = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const agent: Agent = {
      instance,
      tasks: new Map(),
      secret: undefined,
      idleSinceMs: world().clock.now().getTime(),
      isGone: false,
      leave,
    };
    agents.set(instance.id, agent);
    return {
      ended,
      end: async () => {
        const isOurDoing = instance.stateReason?.code === 'Client.UserInitiatedShutdown';
        if (isOurDoing && agent.tasks.size > 0) world().endedBusy.push(instance.id);
        agent.isGone = true;
        agents.delete(instance.id);
        leave();
      },
    };
  };
  const step = async (world: AgentsWorld): Promise<void> => {
    for (const agent of [...agents.values()]) if (!agent.isGone) await act(world, agent);
  };
  /** Registers all agents again, as their credentials run out. */
  const rotate = async (world: AgentsWorld): Promise<void> => {
    for (const agent of agents.values()) {
      if (agent.secret === undefined) continue;
      const { secret } = await world.context().reregisterWorker({
        ...refOf(agent),
        secret: agent.secret,
      });
      agent.secret = secret;
    }
  };
  return { start, step, rotate, all: () => [...agents.values()] };
};

export type Agents = ReturnType<typeof openAgents>;

const refOf = ({ instance }: Agent) => {
  const { workerPoolId, workerGroup } = userDataOf(instance);
  return { workerPoolId, workerGroup, workerId: instance.id };
};

const act = async (world: AgentsWorld, agent: Agent): Promise<void> => {
  if (agent.secret === undefined) await register(world, agent);
  if (agent.secret === undefined) return;
  await finish(world, agent);
  if (agent.instance.interruptedAt) await handBack(world, agent);
  else await claim(world, agent);
  if (agent.tasks.size === 0) await askToLeave(world, agent);
};

const register = async ({ cloud, context, clock }: AgentsWorld, agent: Agent): Promise<void> => {
  const endpoint = cloud.metadataEndpoint(agent.instance);
  const workerIdentityProof = {
    document: await identityPart(endpoint, 'document'),
    signature: await identityPart(endpoint, 'signature'),
  };
  const { providerId } = userDataOf(agent.instance);
  // One that is not known yet asks again a little later.
  const admitted = await context()
    .registerWorker({ ...refOf(agent), providerId, workerIdentityProof })
    .catch(() => undefined);
  agent.secret = admitted?.secret;
  agent.idleSinceMs = clock.now().getTime();
};

const finish = async ({ queue, clock }: AgentsWorld, agent: Agent): Promise<void> => {
  const nowMs = clock.now().getTime();
  // At once: such calls share a transaction.
  await Promise.all(
    [...agent.tasks].map(async ([taskId, task]) => {
      const { runId, endsAtMs, claimedAtMs } = task;
      if (endsAtMs > nowMs) {
        if (nowMs - claimedAtMs < reclaimEveryMs) return;
        await queue.reclaimRuns.one({ taskId, runId });
        task.claimedAtMs = nowMs;
        return;
      }
      await queue.resolveRuns.one({ taskId, runId, end: 'completed' });
      agent.tasks.delete(taskId);
      agent.idleSinceMs = nowMs;
    }),
  );
};

const handBack = async ({ queue }: AgentsWorld, agent: Agent): Promise<void> => {
  const lost = { end: 'exception', reason: 'worker-shutdown' } as const;
  await Promise.all(
    [...agent.tasks].map(([taskId, { runId }]) => queue.resolveRuns.one({ taskId, runId, ...lost })),
  );
  agent.tasks.clear();
  agent.leave();
};

const claim = async (world: AgentsWorld, agent: Agent): Promise<void> => {
  const { workerPoolId, workerGroup, workerId } = refOf(agent);
  if (world.context().isBarred(workerPoolId, workerGroup, workerId)) return;
  const room = (userDataOf(agent.instance).workerConfig.taskyard?.capacity ?? 1) - agent.tasks.size;
  if (room === 0) return;
  const rows = await world.db<{ taskId: string; runId: number }>`
    select task_id, run_id from pending where task_queue_id = ${workerPoolId} and deadline > ${world.clock.now()}
     order by priority desc, position limit ${room}`;
  const worker = { workerGroup, workerId };
  await Promise.all(
    rows.map(({ taskId, runId }) =>
      world.queue.claimRuns.one({ taskId, runId, worker, authorize: () => {} }),
    ),
  );
  for (const { taskId, runId } of rows) {
    const claimedAtMs = world.clock.now().getTime();
    agent.tasks.set(taskId, { runId, endsAtMs: claimedAtMs + world.durationMs(taskId), claimedAtMs });
  }
};

const askToLeave = async ({ context, clock }: AgentsWorld, agent: Agent): Promise<void> => {
  if (agent.isGone || clock.now().getTime() - agent.idleSinceMs < idleTimeoutMs) return;
  const { providerId } = userDataOf(agent.instance);
  const clientId = clientIdOf({ ...refOf(agent), providerId });
  const { terminate } = await context().shouldWorkerTerminate({ ...refOf(agent), clientId });
  if (terminate) agent.leave();
};
