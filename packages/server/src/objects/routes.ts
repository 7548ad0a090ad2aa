import { parameters, type Route, routeFor } from '../http/index.ts';
import * as schema from './schema.ts';
import type { ObjectVerbs } from './service/index.ts';

export interface ObjectServices {
  readonly objects: ObjectVerbs;
}

const endpoint = routeFor<ObjectServices>();
const params = { name: parameters.printableAscii };

export const objectRoutes: readonly Route<ObjectServices>[] = [
  endpoint(
    {
      name: 'createUpload',
      method: 'PUT',
      path: '/upload/<name>',
      rest: 'name',
      params,
      scopes: 'object:upload:<projectId>:<name>',
      input: schema.createUploadRequest,
      output: schema.createUploadResponse,
      category: 'Upload',
      stability: 'stable',
      title: 'Start an upload',
      description: 'Reserves the name and says how to send the bytes. Repeat it to refresh the URL.',
    },
    ({ objects }, { params: { name }, body, authorize }) =>
      objects.createUpload({ ...body, name, authorize }),
  ),
  endpoint(
    {
      name: 'finishUpload',
      method: 'POST',
      path: '/finish-upload/<name>',
      rest: 'name',
      params,
      scopes: 'object:upload:<projectId>:<name>',
      input: schema.finishUploadRequest,
      category: 'Upload',
      stability: 'stable',
      title: 'Finish an upload',
      description: 'Makes the object readable. From then on it does not change.',
    },
    ({ objects }, { params: { name }, body, authorize }) =>
      objects.finishUpload({ ...body, name, authorize }),
  ),
  endpoint(
    {
      name: 'startDownload',
      method: 'PUT',
      path: '/start-download/<name>',
      rest: 'name',
      params,
      scopes: 'object:download:<name>',
      input: schema.downloadObjectRequest,
      output: schema.downloadObjectResponse,
      category: 'Download',
      stability: 'stable',
      title: 'Start a download',
      description: 'Says how to fetch the bytes, by the best of the methods that the caller can use.',
    },
    ({ objects }, { params, body }) => objects.startDownload({ ...body, ...params }),
  ),
  endpoint(
    {
      name: 'object',
      method: 'GET',
      path: '/metadata/<name>',
      rest: 'name',
      params,
      scopes: 'object:download:<name>',
      output: schema.getObjectResponse,
      category: 'Objects',
      stability: 'stable',
      title: 'Look an object up',
      description: 'Its project, expiry and hashes.',
    },
    ({ objects }, { params }) => objects.object(params),
  ),
  endpoint(
    {
      name: 'download',
      method: 'GET',
      path: '/download/<name>',
      rest: 'name',
      params,
      scopes: 'object:download:<name>',
      category: 'Download',
      stability: 'stable',
      title: 'Download an object',
      description: 'Redirects to the bytes. Programs should start a download instead, and check the hashes.',
    },
    ({ objects }, { params }) => objects.download(params),
  ),
];
