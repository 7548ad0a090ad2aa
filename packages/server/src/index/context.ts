import type { Answer, BaseContext, Sql } from '../base/index.ts';
import type { Caller } from '../http/index.ts';

/** What the index is opened with. */
export interface Context extends BaseContext {
  /** The address under which clients reach the platform. */
  rootUrl(): string;
  /** A caller without credentials. */
  anonymous(): Promise<Caller>;
  /** A URL that lets everybody who has it GET what these scopes allow. */
  signUrl(url: string, wanted: { scopes: readonly string[]; start: Date; expiry: Date }): string;
  /** Definitions of tasks as JSON text, each or why there is none. */
  readDefinitions(sql: Sql, taskIds: readonly string[]): Promise<Answer<string>[]>;
  /** When tasks expire, as ISO 8601; those that do not exist are left out. */
  readStatuses(sql: Sql, taskIds: readonly string[]): Promise<{ taskId: string; expires: string }[]>;
  /**
   * Brings what another deployment has published at these paths here, also where it is newer than the task that was brought
   * before. Undefined where there is no other deployment.
   */
  readonly findPublished?:
    | ((
        looked: readonly { path: string; taskId?: string | undefined }[],
      ) => Promise<FoundPublished | undefined>)
    | undefined;
}

/** What came of a look at what another deployment has published. */
export interface FoundPublished {
  /** Something else than before may be at the paths. */
  readonly isAsked: boolean;
  /** Why it could not be asked for, in a sentence. */
  readonly trouble: string | undefined;
}
