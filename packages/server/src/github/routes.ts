import { pagination, parameters, type Route, routeFor } from '../http/index.ts';
import * as schema from './schema/index.ts';
import type { GithubVerbs } from './service/index.ts';

/** What handlers of the service are given. */
export interface GithubServices {
  readonly github: GithubVerbs;
}

const endpoint = routeFor<GithubServices>();

const about = { category: 'Github Service', stability: 'stable' } as const;
const experimental = { ...about, stability: 'experimental' } as const;

const owner = parameters.matching(/^[a-zA-Z0-9-_%.]{1,100}$/);
const repo = parameters.matching(/^[a-zA-Z0-9-_%.]{1,100}$/);
const branch = parameters.matching(/^[\x20-\x7e]{1,255}$/);
const sha = parameters.matching(/^[a-f0-9]{40}$/);
const number = { pattern: /^[1-9][0-9]{0,8}$/, parse: Number };
const ofRepository = { owner, repo };
const ofBranch = { owner, repo, branch };

// GitHub sends no more than 25 MB.
const deliveryBytesMax = 25 * 2 ** 20;

/** The methods of the service `github`. */
export const routes: readonly Route<GithubServices>[] = [
  endpoint(
    {
      ...about,
      name: 'githubWebHookConsumer',
      method: 'POST',
      path: '/github',
      hidden: true,
      signedByOthers: true,
      bodyBytesMax: deliveryBytesMax,
      title: 'Take an event of GitHub',
      description: 'GitHub sends events here; they are signed with the secret of the webhook.',
    },
    ({ github }, { request }) => github.receive(request),
    ({ github }, { headers }) => github.expectDelivery(headers),
  ),
  endpoint(
    {
      ...about,
      name: 'builds',
      method: 'GET',
      path: '/builds',
      query: { ...pagination, organization: owner, repository: repo, sha, pullRequest: number },
      scopes: 'github:list-builds',
      output: schema.buildList,
      title: 'List builds',
      description:
        'The groups of tasks that were made for events of GitHub, the newest first. Each filter that is given has to fit.',
    },
    ({ github }, { query }) => github.listBuilds(query),
  ),
  endpoint(
    {
      ...about,
      name: 'cancelBuilds',
      method: 'POST',
      path: '/builds/<owner>/<repo>/cancel',
      params: ofRepository,
      query: { sha, pullRequest: number },
      scopes: 'github:cancel-builds:<owner>:<repo>',
      output: schema.buildList,
      title: 'Cancel builds',
      description:
        'Cancels the builds of a commit or of a pull request that have not ended, with all of their tasks. Say `sha`, ' +
        '`pullRequest`, or both.',
    },
    ({ github }, { params, query }) => github.cancelBuilds({ ...params, ...query }),
  ),
  endpoint(
    {
      ...experimental,
      name: 'badge',
      method: 'GET',
      path: '/repository/<owner>/<repo>/<branch>/badge.svg',
      params: ofBranch,
      scopes: 'github:get-badge:<owner>:<repo>:<branch>',
      title: 'Badge of a branch',
      description: 'A picture with the state of the newest build of a branch.',
    },
    ({ github }, { params }) => github.readBadge(params),
  ),
  endpoint(
    {
      ...experimental,
      name: 'repository',
      method: 'GET',
      path: '/repository/<owner>/<repo>',
      params: ofRepository,
      scopes: 'github:get-repository:<owner>:<repo>',
      output: schema.repositoryResponse,
      title: 'Look up a repository',
      description: 'Says whether the GitHub app is installed there.',
    },
    ({ github }, { params }) => github.readRepository(params),
  ),
  endpoint(
    {
      ...about,
      name: 'latest',
      method: 'GET',
      path: '/repository/<owner>/<repo>/<branch>/latest',
      params: ofBranch,
      scopes: 'github:latest-status:<owner>:<repo>:<branch>',
      title: 'Newest build of a branch',
      description: 'Redirects to the page with the tasks of the newest build of a branch.',
    },
    ({ github }, { params }) => github.findLatest(params),
  ),
  endpoint(
    {
      ...experimental,
      name: 'createStatus',
      method: 'POST',
      path: '/repository/<owner>/<repo>/statuses/<sha>',
      params: { ...ofRepository, sha },
      scopes: 'github:create-status:<owner>/<repo>',
      input: schema.createStatusRequest,
      title: 'Show a status at a commit',
      description: 'Shows a commit status of your own: a mark, a few words and a link.',
    },
    ({ github }, { params, body: status }) => github.createStatus({ ...params, status }),
  ),
  endpoint(
    {
      ...about,
      name: 'createComment',
      method: 'POST',
      path: '/repository/<owner>/<repo>/issues/<number>/comments',
      params: { ...ofRepository, number },
      scopes: 'github:create-comment:<owner>/<repo>',
      input: schema.createCommentRequest,
      title: 'Comment on an issue or a pull request',
      description: 'Writes a comment in the name of the GitHub app.',
    },
    ({ github }, { params, body }) => github.createComment({ ...params, ...body }),
  ),
  endpoint(
    {
      ...experimental,
      name: 'renderTaskclusterYml',
      method: 'POST',
      path: '/taskcluster-yml',
      input: schema.renderTaskclusterYmlInput,
      output: schema.renderTaskclusterYmlOutput,
      title: 'Render a .taskcluster.yml',
      description:
        'Shows which tasks a file makes at an event, and by which scopes they would be created. Nothing is created, and ' +
        'the event is made up: put into it what matters to you.',
    },
    ({ github }, { body }) => github.render(body),
  ),
];
