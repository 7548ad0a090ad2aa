import { type Static, Type } from 'typebox';
import {
  anyObject,
  ContinuationToken,
  DateTime,
  distinct,
  exactly,
  Identifier,
  publish,
  Slugid,
} from '../../http/index.ts';
import { LaunchConfigId, WorkerPoolId } from './pools.ts';

const { Optional, String: Text } = Type;
const service = 'worker-manager';
const open = { additionalProperties: true };

export const ErrorKind = Text({
  pattern: '[-a-z0-9]+',
  maxLength: 128,
  description: 'For programs: what sort of error it is.',
});
export const ErrorTitle = Text({ maxLength: 128, description: 'For people, in a few words.' });
const content = {
  kind: ErrorKind,
  title: ErrorTitle,
  description: Text({ maxLength: 10_240, description: 'For people; Markdown.' }),
  extra: anyObject({ ...open, description: 'Whatever helps to understand it.' }),
};

export const WorkerPoolError = exactly(
  {
    workerPoolId: WorkerPoolId,
    errorId: Slugid,
    reported: DateTime,
    ...content,
    launchConfigId: Optional(LaunchConfigId),
  },
  { title: 'Error of a worker pool' },
);
export type WorkerPoolError = Static<typeof WorkerPoolError>;
export const workerPoolError = publish(service, 'worker-pool-error', WorkerPoolError);

export const workerPoolErrorList = publish(
  service,
  'worker-pool-error-list',
  exactly(
    { workerPoolErrors: distinct(WorkerPoolError), continuationToken: Optional(ContinuationToken) },
    { title: 'Page of errors' },
  ),
);

const Counts = anyObject(open);
export const workerPoolErrorStats = publish(
  service,
  'worker-pool-error-stats',
  exactly(
    {
      workerPoolId: Type.Unsafe<string>({ oneOf: [WorkerPoolId, { const: '' }] }),
      totals: exactly({
        total: Type.Number(),
        daily: Counts,
        hourly: Counts,
        title: Counts,
        code: Counts,
        launchConfig: Counts,
        workerPool: Counts,
      }),
    },
    { title: 'Numbers of errors in the last seven days' },
  ),
);

export const ReportWorkerErrorRequest = exactly(
  { workerGroup: Identifier, workerId: Identifier, ...content },
  { title: 'Error that a worker reports' },
);
export type ReportWorkerErrorRequest = Static<typeof ReportWorkerErrorRequest>;
export const reportWorkerErrorRequest = publish(
  service,
  'report-worker-error-request',
  ReportWorkerErrorRequest,
);
