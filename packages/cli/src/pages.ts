/** The page of a task in the browser. */
export const taskPage = (rootUrl: string, taskId: string): string => `${rootUrl}/tasks/${taskId}`;

/** The page of a group in the browser. */
export const groupPage = (rootUrl: string, taskGroupId: string): string =>
  `${rootUrl}/tasks/groups/${taskGroupId}/tasks`;
