import { artifactCreatedMessage, artifactRoutes } from './artifacts/index.ts';
import { authDeclaration } from './auth/index.ts';
import { eventsDeclaration } from './events/index.ts';
import {
  referenceDocuments as documentsOf,
  type ReferenceDocument,
  type ServiceDeclaration,
} from './http/index.ts';
import { objectDeclaration } from './objects/index.ts';
import { exchangesWith, routes as queueRoutes } from './queue/index.ts';
import { workersRoutes } from './workers/index.ts';

/** The service `queue` is published as one and lives on three floors. */
const queueDeclaration = {
  service: {
    serviceName: 'queue',
    title: 'Queue',
    description: 'Keeps tasks, hands them to workers, and keeps what they made.',
  },
  routes: [...queueRoutes, ...artifactRoutes, ...workersRoutes],
  exchanges: exchangesWith(artifactCreatedMessage),
};

/** Everything that this program serves. */
export const declarations = [
  authDeclaration,
  queueDeclaration,
  objectDeclaration,
  eventsDeclaration,
] as unknown as readonly ServiceDeclaration<object>[];

/** All published documents: references, schemas and the manifest. */
export const referenceDocuments = (): ReferenceDocument[] => documentsOf(declarations);
