import { RequestError, type Sql } from '../../base/index.ts';
import * as store from '../store/index.ts';

/** The refusal where there is no such group. */
export const noGroup = (taskGroupId: string): RequestError =>
  new RequestError('ResourceNotFound', `Task group ${taskGroupId} does not exist.`);

/** Throws where there is no such group. */
export const requireGroup = async (sql: Sql, taskGroupId: string): Promise<void> => {
  if (!(await store.hasGroup(sql, taskGroupId))) throw noGroup(taskGroupId);
};
