export { GithubApi, type RepositoryName } from './github-api.ts';
export { asAnswer, CommitUnknown, GithubIsBusy, GithubRefusal } from './refusals.ts';
export type {
  Annotation,
  CheckOutput,
  CheckRun,
  CommentPlace,
  PullRequest,
  Repository,
  Status,
} from './repository.ts';
