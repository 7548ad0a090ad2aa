import { artifactCreatedMessage, artifactRoutes, objectCredentials } from './artifacts/index.ts';
import { authDeclaration } from './auth/index.ts';
import { eventsDeclaration } from './events/index.ts';
import {
  referenceDocuments as documentsOf,
  type ReferenceDocument,
  type ServiceDeclaration,
} from './http/index.ts';
import { objectDeclaration } from './objects/index.ts';
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
import { taskGraphsDeclaration } from './task-graphs/index.ts';
import { taskRun, workersRoutes } from './workers/index.ts';

/** The service `queue` is published as one and lives on three floors. */
const queueDeclaration = {
  service: {
    serviceName: 'queue',
    title: 'Queue',
    description: 'Keeps tasks, hands them to workers, and keeps what they made.',
  },
  routes: [...queueRoutes, ...artifactRoutes, ...workersRoutes],
  exchanges: exchangesWith(artifactCreatedMessage),
  // Parts of other shapes, published by themselves because clients look them up.
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

/** Everything that this program serves. */
export const declarations = [
  authDeclaration,
  queueDeclaration,
  objectDeclaration,
  taskGraphsDeclaration,
  eventsDeclaration,
] as unknown as readonly ServiceDeclaration<object>[];

/** All published documents: references, schemas and the manifest. */
export const referenceDocuments = (): ReferenceDocument[] => documentsOf(declarations);
