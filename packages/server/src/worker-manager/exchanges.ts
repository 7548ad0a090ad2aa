import type { ExchangeDeclaration, PublishedSchema, RoutingKeyWord } from '../http/index.ts';
import * as schema from './schema/index.ts';

const word = (name: string, summary: string, required: boolean): RoutingKeyWord => ({
  name,
  summary,
  required,
  multipleWords: false,
});

/** The words of every message of this service; those of the worker are sure in messages about one. */
const keyWith = (isAboutWorker: boolean): RoutingKeyWord[] => [
  { ...word('routingKeyKind', 'Always `primary`.', true), constant: 'primary' },
  word('providerId', 'The provider of the pool.', isAboutWorker),
  word('provisionerId', 'First part of the id of the pool.', isAboutWorker),
  word('workerType', 'Second part of the id of the pool.', isAboutWorker),
  word('workerGroup', 'The group of the worker.', isAboutWorker),
  word('workerId', 'The worker.', isAboutWorker),
  word('launchConfigId', 'The launch config.', false),
  { ...word('reserved', 'Kept for later use: bind with `#`.', false), multipleWords: true },
];

const declare = (
  exchange: string,
  schema: PublishedSchema,
  about: { title: string; description: string; isAboutWorker?: true },
): ExchangeDeclaration => ({
  exchange,
  name: exchange.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  title: about.title,
  description: about.description,
  routingKey: keyWith(about.isAboutWorker === true),
  schema,
});

/** Every exchange of this service. */
export const exchanges: readonly ExchangeDeclaration[] = [
  declare('worker-pool-created', schema.poolMessage, {
    title: 'A worker pool was created',
    description: 'Sent once for each pool.',
  }),
  declare('worker-pool-updated', schema.poolMessage, {
    title: 'A worker pool was changed',
    description: 'Sent when a pool is updated or deleted; names the provider that it had before.',
  }),
  declare('worker-pool-error', schema.errorMessage, {
    title: 'Something went wrong in a pool',
    description: 'Sent for each error that is kept, whether a worker reported it or the provisioner met it.',
  }),
  declare('worker-requested', schema.workerMessage, {
    title: 'A worker was asked for',
    description: 'Sent when the provider has taken the order; it still has to start and to register.',
    isAboutWorker: true,
  }),
  declare('worker-running', schema.workerMessage, {
    title: 'A worker runs',
    description: 'Sent when a worker has proved who it is, or when a static worker is created.',
    isAboutWorker: true,
  }),
  declare('worker-stopped', schema.workerMessage, {
    title: 'A worker is gone',
    description: 'Sent when a worker has ended for good; what it had claimed is given to others.',
    isAboutWorker: true,
  }),
  declare('worker-removed', schema.workerRemovedMessage, {
    title: 'A worker is to go',
    description: 'Sent when a worker is removed, with the reason; what it had claimed is given to others.',
    isAboutWorker: true,
  }),
  declare('launch-config-created', schema.launchConfigMessage, {
    title: 'A launch config was created',
    description: 'Sent for each launch config that is new in a pool.',
  }),
  declare('launch-config-updated', schema.launchConfigMessage, {
    title: 'A launch config was changed',
    description: 'Sent when the way it is chosen changes, or when it comes back from the archive.',
  }),
  declare('launch-config-archived', schema.launchConfigMessage, {
    title: 'A launch config was archived',
    description: 'Sent when a pool no longer has it; its workers are told to go.',
  }),
];
