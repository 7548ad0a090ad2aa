import type { BaseContext, Sql } from '../../base/index.ts';
import type { Objects } from '../../objects/index.ts';
import type { Credentials, CredentialsRequest, StatusWithLabels } from '../../queue/index.ts';

/** What artifacts need of the floors below. */
export interface ArtifactDeps extends BaseContext {
  readonly objects: Pick<Objects, 'artifactBytes' | 'downloadUrl' | 'readableAmong' | 'locate'>;
  /** The statuses of those tasks that exist. */
  readStatuses(sql: Sql, taskIds: string[]): Promise<StatusWithLabels[]>;
  issueCredentials(request: CredentialsRequest): Credentials;
}

/** The key of an artifact's bytes. */
export const bytesKey = (artifact: { taskId: string; runId: number; name: string }): string =>
  `${artifact.taskId}/${artifact.runId}/${artifact.name}`;

/** The name of an artifact in the object service. */
export const objectName = (artifact: { taskId: string; runId: number; name: string }): string =>
  `t/${bytesKey(artifact)}`;
