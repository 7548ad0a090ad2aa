import type { BaseContext, Sql } from '../base/index.ts';
import type { Objects } from '../objects/index.ts';
import type { Credentials, CredentialsRequest, StatusWithLabels } from '../queue/index.ts';

/** What artifacts are opened with. */
export interface Context extends BaseContext {
  readonly objects: Pick<Objects, 'artifactBytes' | 'downloadUrl' | 'readableAmong' | 'locate'>;
  /** The statuses of those tasks that exist. */
  readStatuses(sql: Sql, taskIds: readonly string[]): Promise<StatusWithLabels[]>;
  issueCredentials(request: CredentialsRequest): Credentials;
}
