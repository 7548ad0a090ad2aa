import { pagination, parameters, type Route, routeFor } from '../http/index.ts';
import * as schema from './schema.ts';
import type { ArtifactVerbs } from './service/index.ts';

/** The services that the handlers of artifacts use. */
export interface ArtifactServices {
  readonly artifacts: ArtifactVerbs;
}

const endpoint = routeFor<ArtifactServices>();

const { slugid, printableAscii, runId: runNumber } = parameters;
const ofRun = { taskId: slugid, runId: runNumber, name: printableAscii };
const ofLatest = { taskId: slugid, name: printableAscii };
const latest = { runId: 'latest' } as const;

const about = { category: 'Artifacts', stability: 'stable', rest: 'name' } as const;
const { rest: _rest, ...aboutListings } = about;
const scopesOfReader = {
  AllOf: [{ for: 'name', in: 'names', each: 'queue:get-artifact:<name>' }],
} as const;
const linksFollowed = 'Links are followed; the caller needs the scope of every name on the way.';

export const artifactRoutes: readonly Route<ArtifactServices>[] = [
  endpoint(
    {
      ...about,
      name: 'createArtifact',
      method: 'POST',
      path: '/task/<taskId>/runs/<runId>/artifacts/<name>',
      params: ofRun,
      scopes: 'queue:create-artifact:<taskId>/<runId>',
      input: schema.postArtifactRequest,
      output: schema.postArtifactResponse,
      title: 'Add an artifact to a run',
      description:
        'The reply says where to upload, if anything. Repeat it to refresh that, or to extend the expiry.',
    },
    ({ artifacts }, { params, body }) => artifacts.createArtifact({ ...params, request: body }),
  ),
  endpoint(
    {
      ...aboutListings,
      name: 'createArtifacts',
      method: 'POST',
      path: '/create-artifacts/<taskId>/<runId>',
      params: { taskId: slugid, runId: runNumber },
      scopes: 'queue:create-artifact:<taskId>/<runId>',
      stability: 'experimental',
      input: schema.createArtifactsRequest,
      secretInput: true,
      output: schema.createArtifactsResponse,
      title: 'Add many artifacts to a run',
      description:
        'Adds each as `createArtifact` would, in one transaction. The bytes of small files may come along: they are ' +
        'kept, never change, and need no upload. Each has its own answer: one that is refused leaves the others ' +
        'untouched. The same call again has no further effect.',
    },
    ({ artifacts }, { params, body }) => artifacts.createArtifacts({ ...params, ...body }),
  ),
  endpoint(
    {
      ...about,
      name: 'finishArtifact',
      method: 'PUT',
      path: '/task/<taskId>/runs/<runId>/artifacts/<name>',
      params: ofRun,
      scopes: 'queue:create-artifact:<taskId>/<runId>',
      input: schema.finishArtifactRequest,
      title: 'Finish an artifact',
      description: 'Makes an artifact of type `object` readable once its object has been uploaded.',
    },
    ({ artifacts }, { params, body }) => artifacts.finishArtifact({ ...params, ...body }),
  ),
  endpoint(
    {
      ...about,
      name: 'createArtifactInParts',
      method: 'POST',
      path: '/artifact-in-parts/<taskId>/<runId>/<name>',
      params: ofRun,
      scopes: 'queue:create-artifact:<taskId>/<runId>',
      stability: 'experimental',
      input: schema.createArtifactInPartsRequest,
      output: schema.createArtifactInPartsResponse,
      title: 'Add a large artifact to a run',
      description:
        'Adds an artifact of type `s3` as `createArtifact` would, and replies where to upload its parts. Once all are ' +
        'there, call `finishArtifactInParts`. Where artifacts are not in a bucket it is refused with `NoMatchingMethod`.',
    },
    ({ artifacts }, { params, body }) => artifacts.createInParts({ ...params, ...body }),
  ),
  endpoint(
    {
      ...about,
      name: 'finishArtifactInParts',
      method: 'PUT',
      path: '/artifact-in-parts/<taskId>/<runId>/<name>',
      params: ofRun,
      scopes: 'queue:create-artifact:<taskId>/<runId>',
      stability: 'experimental',
      input: schema.finishArtifactInPartsRequest,
      title: 'Finish a large artifact',
      description: 'Joins the parts of an artifact. The same call again has no further effect.',
    },
    ({ artifacts }, { params, body }) => artifacts.finishInParts({ ...params, ...body }),
  ),
  endpoint(
    {
      ...about,
      name: 'getArtifact',
      method: 'GET',
      path: '/task/<taskId>/runs/<runId>/artifacts/<name>',
      params: ofRun,
      scopes: scopesOfReader,
      output: schema.getArtifactResponse,
      title: 'Get an artifact of a run',
      description: `Redirects to the content; 424 tells why an error artifact has none. ${linksFollowed}`,
    },
    ({ artifacts }, { params, authorize }) => artifacts.getArtifact({ ...params, authorize }),
  ),
  endpoint(
    {
      ...about,
      name: 'getLatestArtifact',
      method: 'GET',
      path: '/task/<taskId>/artifacts/<name>',
      params: ofLatest,
      scopes: scopesOfReader,
      output: schema.getArtifactResponse,
      title: 'Get an artifact of the last run',
      description: `Uses the last run, in whatever state it is. ${linksFollowed}`,
    },
    ({ artifacts }, { params, authorize }) => artifacts.getArtifact({ ...params, ...latest, authorize }),
  ),
  endpoint(
    {
      ...aboutListings,
      name: 'listArtifacts',
      method: 'GET',
      path: '/task/<taskId>/runs/<runId>/artifacts',
      params: { taskId: slugid, runId: runNumber },
      query: pagination,
      scopes: 'queue:list-artifacts:<taskId>:<runId>',
      output: schema.listArtifactsResponse,
      title: 'List the artifacts of a run',
      description: 'By name, including those whose upload is not finished.',
    },
    ({ artifacts }, { params, query }) => artifacts.listArtifacts({ ...params, ...query }),
  ),
  endpoint(
    {
      ...aboutListings,
      name: 'listLatestArtifacts',
      method: 'GET',
      path: '/task/<taskId>/artifacts',
      params: { taskId: slugid },
      query: pagination,
      scopes: 'queue:list-artifacts:<taskId>',
      output: schema.listArtifactsResponse,
      title: 'List the artifacts of the last run',
      description: 'By name, including those whose upload is not finished.',
    },
    ({ artifacts }, { params, query }) => artifacts.listArtifacts({ ...params, ...latest, ...query }),
  ),
  endpoint(
    {
      ...about,
      name: 'artifactInfo',
      method: 'GET',
      path: '/task/<taskId>/runs/<runId>/artifact-info/<name>',
      params: ofRun,
      scopes: 'queue:list-artifacts:<taskId>:<runId>',
      output: schema.artifactResponse,
      title: 'Look up an artifact of a run',
      description: 'What listings show of it. Links are not followed.',
    },
    ({ artifacts }, { params }) => artifacts.artifactInfo(params),
  ),
  endpoint(
    {
      ...about,
      name: 'latestArtifactInfo',
      method: 'GET',
      path: '/task/<taskId>/artifact-info/<name>',
      params: ofLatest,
      scopes: 'queue:list-artifacts:<taskId>',
      output: schema.artifactResponse,
      title: 'Look up an artifact of the last run',
      description: 'What listings show of it. Links are not followed.',
    },
    ({ artifacts }, { params }) => artifacts.artifactInfo({ ...params, ...latest }),
  ),
  endpoint(
    {
      ...about,
      name: 'artifact',
      method: 'GET',
      path: '/task/<taskId>/runs/<runId>/artifact-content/<name>',
      params: ofRun,
      scopes: scopesOfReader,
      output: schema.artifactContentResponse,
      title: 'Find out how to fetch an artifact of a run',
      description: `For programs: nothing is redirected, and objects come with credentials. ${linksFollowed}`,
    },
    ({ artifacts }, { params, authorize }) => artifacts.artifactContent({ ...params, authorize }),
  ),
  endpoint(
    {
      ...about,
      name: 'latestArtifact',
      method: 'GET',
      path: '/task/<taskId>/artifact-content/<name>',
      params: ofLatest,
      scopes: scopesOfReader,
      output: schema.artifactContentResponse,
      title: 'Find out how to fetch an artifact of the last run',
      description: `For programs: nothing is redirected, and objects come with credentials. ${linksFollowed}`,
    },
    ({ artifacts }, { params, authorize }) => artifacts.artifactContent({ ...params, ...latest, authorize }),
  ),
];
