import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerRequest } from '../engines/index.ts';
import type { TaskDescription } from '../payload/index.ts';
import { startTaskProxy, type TaskProxy } from '../proxy/index.ts';
import { containerOf, provideImage } from './container.ts';
import { type Monitor, openMonitor } from './monitor.ts';
import type { Run } from './run.ts';
import { tracePart } from './trace-run.ts';

/** The services for a task's commands, until these have ended. */
export interface Surroundings {
  readonly container: ContainerRequest | undefined;
  /** Variables that the task cannot set otherwise. */
  readonly environment: Readonly<Record<string, string>>;
  readonly monitor: Monitor | undefined;
  close(): Promise<void>;
}

/** Prepares the services. Returns undefined when that fails, which fails the task. */
export const openSurroundings = async (
  run: Run,
  description: TaskDescription,
): Promise<Surroundings | undefined> => {
  const { image: wanted } = description;
  const image =
    wanted && (await tracePart(run.tools, 'provide image', { act: () => provideImage(run, wanted) }));
  if (wanted && !image) return undefined;
  for (const { directory } of description.volumes) {
    await mkdir(join(run.taskDirectory, directory), { recursive: true });
  }
  const container = containerOf(image, description);
  try {
    const proxy = description.features.taskclusterProxy ? await openProxy(run) : undefined;
    const monitor = openMonitor(run, description);
    return {
      container,
      environment: proxy ? { TASKCLUSTER_PROXY_URL: proxy.url } : {},
      monitor,
      close: async () => {
        monitor?.close();
        await proxy?.close();
        image?.release();
      },
    };
  } catch (error) {
    image?.release();
    // The address may have cost the engine a network.
    await run.tools.engine.sweep(run.taskDirectory);
    throw error;
  }
};

/** As the original has it: the task's own scopes, and artifacts of this run; but it cannot resolve itself. */
const openProxy = async ({ tools, claim, taskDirectory }: Run): Promise<TaskProxy> => {
  const { taskId, runId, task } = claim;
  return startTaskProxy({
    clock: tools.clock,
    rootUrl: tools.rootUrl,
    credentials: claim.credentials,
    scopes: [...task.scopes, `queue:create-artifact:${taskId}/${runId}`],
    allowsPrivateUrls: tools.allowsPrivateUrls,
    containerAddress: await tools.engine.containers?.addressForTask(taskDirectory),
  });
};
