import type { BaseContext, Sql, Transaction } from '../base/index.ts';
import type { ObjectVerbs } from '../objects/index.ts';
import type { Credentials, CredentialsRequest, StatusWithLabels } from '../queue/index.ts';

/** What artifacts are opened with. */
export interface Context extends BaseContext {
  readonly objects: Pick<
    ObjectVerbs,
    | 'artifactBytes'
    | 'contentUrl'
    | 'downloadUrl'
    | 'readableAmong'
    | 'locate'
    | 'listStored'
    | 'expireAt'
    | 'deleteExpired'
  >;
  /** The statuses of those of the tasks that exist. */
  readStatuses(sql: Sql, taskIds: readonly string[]): Promise<StatusWithLabels[]>;
  /** The same, with the tasks locked against changes until the transaction ends. */
  shareStatuses(tx: Transaction, taskIds: readonly string[]): Promise<StatusWithLabels[]>;
  /** Those of these tasks that nobody needs any more: they, their groups and what depends on them are resolved. */
  settledAmong(sql: Sql, taskIds: readonly string[]): Promise<string[]>;
  /** The same; nobody comes to need them again until the transaction ends. */
  holdSettled(tx: Transaction, taskIds: readonly string[]): Promise<string[]>;
  issueCredentials(request: CredentialsRequest): Credentials;
}
