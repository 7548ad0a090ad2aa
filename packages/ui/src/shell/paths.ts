/** The addresses of pages: permalinks, so they stay as they are. */
export const paths = {
  task: (taskId: string, runId?: number) => `/tasks/${taskId}${runId === undefined ? '' : `?run=${runId}`}`,
  group: (taskGroupId: string) => `/tasks/groups/${taskGroupId}/tasks`,
  log: (taskId: string, runId: number, name: string) =>
    `/tasks/${taskId}/runs/${runId}/logs/${name.split('/').map(encodeURIComponent).join('/')}`,
  shell: (taskId: string, runId: number) => `/tasks/${taskId}/runs/${runId}/shell`,
  queue: (taskQueueId: string) => `/queues/${taskQueueId}`,
  worker: (taskQueueId: string, { workerGroup, workerId }: { workerGroup: string; workerId: string }) =>
    `/queues/${taskQueueId}?worker=${encodeURIComponent(`${workerGroup}/${workerId}`)}`,
  pool: (workerPoolId: string) => `/worker-manager/${workerPoolId}`,
  client: (clientId: string) => `/auth/clients/${encodeURIComponent(clientId)}`,
  role: (roleId: string) => `/auth/roles/${encodeURIComponent(roleId)}`,
  hook: (hookGroupId: string, hookId: string) =>
    `/hooks/${encodeURIComponent(hookGroupId)}/${encodeURIComponent(hookId)}`,
  secret: (name: string) => `/secrets/${encodeURIComponent(name)}`,
  scopes: (scopes: readonly string[]) => `/auth/scopes?q=${encodeURIComponent(scopes.join('\n'))}`,
  index: (namespace: string) => `/tasks/index/${encodeURIComponent(namespace)}`,
};
