import type { CreateTaskRequest, Task } from '@taskyard/client/browser';

/** The definition of a task, to be created once more: its times move, so that it lasts as long as it did. */
export const againRequest = (task: Task, now: Date): CreateTaskRequest => {
  const shift = now.getTime() - new Date(task.created).getTime();
  const moved = (at: string) => new Date(new Date(at).getTime() + shift).toJSON();
  const { provisionerId: _provisioner, workerType: _type, expires, ...rest } = task;
  return {
    ...rest,
    created: now.toJSON(),
    deadline: moved(task.deadline),
    ...(expires ? { expires: moved(expires) } : {}),
  };
};

/** A text for a shell, in quotes where it needs them. */
export const quoted = (text: string): string =>
  /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** The same as commands, for those who would rather type. */
export const commandsFor = (
  taskId: string,
  rootUrl: string,
): readonly { label: string; command: string }[] => [
  { label: 'Status', command: `tyard task status ${taskId}` },
  { label: 'Log', command: `tyard task log --follow ${taskId}` },
  { label: 'Definition', command: `tyard task def ${taskId}` },
  { label: 'Rerun', command: `tyard task rerun ${taskId}` },
  { label: 'Cancel', command: `tyard task cancel ${taskId}` },
  { label: 'curl', command: `curl ${quoted(`${rootUrl}/api/queue/v1/task/${taskId}/status`)}` },
];
