export { ownNamesOf, shellNameOf } from './checks.ts';
export { DockerWorkerPayload } from './docker-worker-schema.ts';
export { GenericWorkerPayload } from './generic-worker-schema.ts';
export type { Abilities, AbsolutePath, PayloadContext, PayloadReading } from './payload-context.ts';
export { type PayloadFormat, payloadSchema } from './published-schema.ts';
export { namesImage, readPayload } from './read-payload.ts';
export * from './task-description.ts';
