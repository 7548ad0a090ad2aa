import type { BaseContext, Sql, Transaction } from '../base/index.ts';
import type { ObjectVerbs } from '../objects/index.ts';
import type { Credentials, CredentialsRequest, StatusWithLabels } from '../queue/index.ts';

/** What artifacts are opened with. */
export interface Context extends BaseContext {
  readonly objects: Pick<ObjectVerbs, 'artifactBytes' | 'downloadUrl' | 'readableAmong' | 'locate'>;
  /** The statuses of those tasks that exist. */
  readStatuses(sql: Sql, taskIds: readonly string[]): Promise<StatusWithLabels[]>;
  /** The same, and none of these tasks changes until the transaction ends. */
  shareStatuses(tx: Transaction, taskIds: readonly string[]): Promise<StatusWithLabels[]>;
  issueCredentials(request: CredentialsRequest): Credentials;
}
