import { RequestError, type Sql } from '../../base/index.ts';
import { type PageQuery, pageLimit, pagesOf, Reply, redirectTo } from '../../http/index.ts';
import { badgeOf } from '../badge.ts';
import type { Context } from '../context.ts';
import { keyOf, keysOf, sanitized } from '../names.ts';
import type { BuildList } from '../schema/index.ts';
import * as store from '../store/index.ts';

/** Which builds somebody asks for, by the names that the API has. */
export interface BuildsWanted extends PageQuery {
  readonly organization?: string | undefined;
  readonly repository?: string | undefined;
  readonly sha?: string | undefined;
  readonly pullRequest?: number | undefined;
}

/** A build as the API shows it. */
export const viewOf = (row: store.BuildRow): BuildList['builds'][number] => ({
  organization: sanitized(row.organization),
  repository: sanitized(row.repository),
  sha: row.sha,
  state: row.state,
  taskGroupId: row.taskGroupId,
  eventType: row.eventType,
  eventId: row.eventId,
  ...(row.pullRequestNumber === null ? {} : { pullRequestNumber: row.pullRequestNumber }),
  created: row.created.toJSON(),
  updated: row.updated.toJSON(),
});

const pages = pagesOf('github.builds', ['whole', 'text']);

/** A page of builds, the newest first. */
export const listBuilds = async (sql: Sql, wanted: BuildsWanted): Promise<BuildList> => {
  const { organization, repository, sha, pullRequest: pullRequestNumber, limit } = wanted;
  const [created, taskGroupId] = pages.keyIn(wanted.continuationToken) ?? [2 ** 52, ''];
  const filter = {
    organizationKey: organization === undefined ? undefined : keyOf(organization),
    repositoryKey: repository === undefined ? undefined : keyOf(repository),
    sha,
    pullRequestNumber,
  };
  const after = { created: new Date(created), taskGroupId };
  const read = await store.listBuilds(sql, filter, { after, limit: pageLimit(limit) });
  const { rows, ...token } = pages.pageOf(read, limit, (row) => [row.created.getTime(), row.taskGroupId]);
  return { builds: rows.map(viewOf), ...token };
};

/** A branch of a repository. */
export interface BranchRef {
  readonly owner: string;
  readonly repo: string;
  readonly branch: string;
}

const readLatest = (sql: Sql, { owner, repo, branch }: BranchRef): Promise<store.BuildRow | undefined> =>
  store.latestBuild(sql, { ...keysOf({ organization: owner, repository: repo }), branch });

/** A picture of how the newest build of a branch stands. */
export const readBadge = async (sql: Sql, ref: BranchRef): Promise<Reply> => {
  const build = await readLatest(sql, ref);
  const headers = { 'content-type': 'image/svg+xml; charset=utf-8' };
  return new Reply(200, badgeOf(build?.state), headers);
};

/** Sends the caller to the tasks of the newest build of a branch. */
export const findLatest = async (
  sql: Sql,
  ref: BranchRef,
  { context: { rootUrl } }: { readonly context: Context },
): Promise<Reply> => {
  const build = await readLatest(sql, ref);
  if (build) return redirectTo(`${rootUrl()}/tasks/groups/${build.taskGroupId}`);
  throw new RequestError(
    'ResourceNotFound',
    `No build of the branch ${ref.branch} of ${ref.owner}/${ref.repo} is known.`,
  );
};
