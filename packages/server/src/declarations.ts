import { artifactCreatedMessage, artifactRoutes, objectCredentials } from './artifacts/index.ts';
import { authDeclaration } from './auth/index.ts';
import { eventsDeclaration } from './events/index.ts';
import { githubDeclaration } from './github/index.ts';
import { hooksDeclaration } from './hooks/index.ts';
import {
  referenceDocuments as documentsOf,
  type ReferenceDocument,
  type ServiceDeclaration,
} from './http/index.ts';
import { indexDeclaration } from './index/index.ts';
import { notifyDeclaration } from './notify/index.ts';
import { objectDeclaration } from './objects/index.ts';
import { purgeCacheDeclaration } from './purge-cache/index.ts';
import {
  exchangesWith,
  pollTaskUrlsResponse,
  routes as queueRoutes,
  taskCredentials,
  taskDefinitionAndStatus,
  taskMetadata,
  taskPulseDefinition,
  taskStatus,
} from './queue/index.ts';
import { secretsDeclaration } from './secrets/index.ts';
import { sessionsDeclaration as sessionsAlone } from './sessions/index.ts';
import { taskGraphsDeclaration } from './task-graphs/index.ts';
import { loginRoutes, thirdPartyRoutes } from './third-parties/index.ts';
import { profileRoutes, viewsDeclaration } from './views/index.ts';
import { workerManagerDeclaration } from './worker-manager/index.ts';
import { taskRun, workersRoutes } from './workers/index.ts';

/** The service `queue` is published as one and consists of three domains. */
const queueDeclaration = {
  service: {
    serviceName: 'queue',
    title: 'Queue',
    description: 'Keeps tasks, hands them to workers, and keeps what they made.',
  },
  routes: [...queueRoutes, ...artifactRoutes, ...workersRoutes],
  exchanges: exchangesWith(artifactCreatedMessage),
  // Parts of other schemas, which are published because clients read them.
  schemas: [
    objectCredentials,
    pollTaskUrlsResponse,
    taskCredentials,
    taskDefinitionAndStatus,
    taskMetadata,
    taskPulseDefinition,
    taskRun,
    taskStatus,
  ],
};

/** What sites ask for is decided below the path of the cookie of a session. */
const sessionsDeclaration = { ...sessionsAlone, routes: [...sessionsAlone.routes, ...thirdPartyRoutes] };

/** Of the original's service for its pages: what others call. */
const webServerDeclaration = {
  service: {
    serviceName: 'web-server',
    title: 'Web-server',
    description: 'Profiles of groups and logs for the Firefox Profiler, and sign-in for other sites.',
  },
  routes: [...profileRoutes, ...loginRoutes],
};

/** Everything that this program serves. */
export const declarations = [
  authDeclaration,
  queueDeclaration,
  objectDeclaration,
  taskGraphsDeclaration,
  notifyDeclaration,
  indexDeclaration,
  secretsDeclaration,
  purgeCacheDeclaration,
  eventsDeclaration,
  workerManagerDeclaration,
  hooksDeclaration,
  sessionsDeclaration,
  viewsDeclaration,
  webServerDeclaration,
  githubDeclaration,
] as unknown as readonly ServiceDeclaration<object>[];

/** All published documents: references, schemas and the manifest. */
export const referenceDocuments = (): ReferenceDocument[] => documentsOf(declarations);
