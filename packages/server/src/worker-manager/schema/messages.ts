import { Type } from 'typebox';
import { DateTime, exactly, Identifier, publish, Slugid } from '../../http/index.ts';
import { ErrorKind, ErrorTitle } from './errors.ts';
import { LaunchConfigId, ProviderId, WorkerPoolId } from './pools.ts';

const { Optional } = Type;
const service = 'worker-manager';
const pool = { workerPoolId: WorkerPoolId, providerId: ProviderId };

export const poolMessage = publish(
  service,
  'pulse-worker-pool-message',
  exactly({ ...pool, previousProviderId: Optional(ProviderId) }, { title: 'Message about a worker pool' }),
);

export const errorMessage = publish(
  service,
  'pulse-worker-pool-error-message',
  exactly(
    {
      ...pool,
      errorId: Slugid,
      kind: ErrorKind,
      title: ErrorTitle,
      timestamp: DateTime,
      workerGroup: Optional(Identifier),
      workerId: Optional(Identifier),
      launchConfigId: Optional(LaunchConfigId),
    },
    { title: 'Message about an error' },
  ),
);

const worker = {
  ...pool,
  workerGroup: Identifier,
  workerId: Identifier,
  capacity: Type.Integer({ minimum: 1 }),
  timestamp: DateTime,
  launchConfigId: Optional(LaunchConfigId),
};
export const workerMessage = publish(
  service,
  'pulse-worker-message',
  exactly(worker, { title: 'Message about a worker' }),
);
export const workerRemovedMessage = publish(
  service,
  'pulse-worker-removed-message',
  exactly({ ...worker, reason: Type.String() }, { title: 'Message about a worker that was removed' }),
);

export const launchConfigMessage = publish(
  service,
  'pulse-launch-config-message',
  exactly({ ...pool, launchConfigId: LaunchConfigId }, { title: 'Message about a launch config' }),
);
