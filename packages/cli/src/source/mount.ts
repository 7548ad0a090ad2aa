import type { Graph, TaskBody } from '../graph-file/index.ts';
import type { UploadedSource } from './upload.ts';

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The scope that a task needs to mount a source. */
export const sourceScope = (artifact: string): string => `queue:get-artifact:${artifact}`;

/** A task with the source in its directory. Its own mounts come after it. */
const mounted = (task: TaskBody, { taskId, artifact, sha256 }: UploadedSource): TaskBody => ({
  ...task,
  dependencies: [...task.dependencies, taskId],
  scopes: [...new Set([...listIn(task.scopes), sourceScope(artifact)])],
  payload: {
    ...task.payload,
    mounts: [
      // With the hash, no task can get other content.
      { directory: '.', content: { taskId, artifact, sha256 }, format: 'tar' },
      ...listIn(task.payload.mounts),
    ],
  },
});

/** The graph with its source mounted in each task that works on it. */
export const mountSource = (graph: Graph, source: UploadedSource): Graph => ({
  ...graph,
  tasks: graph.tasks.map((one) => (one.hasSource ? { ...one, task: mounted(one.task, source) } : one)),
});
