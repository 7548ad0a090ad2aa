import { type Static, Type } from 'typebox';
import { exactly, oneOf, publish, RunId, Slugid } from '../../http/index.ts';
import { reportedReasons, TaskStatus } from './status.ts';

const { Optional, String: Text } = Type;

/** The most reports in one list: each costs a signature to check. */
export const reportsMax = 100;

/** How a worker can report that a run has ended. Each is also the last part of the path of its own method. */
export const reportedStates = ['completed', 'failed', 'exception'] as const;

const ofRun = { taskId: Slugid, runId: RunId };

export const RunReport = exactly(
  {
    ...ofRun,
    state: oneOf(reportedStates, { description: 'How the run ended.' }),
    reason: Optional(
      oneOf(reportedReasons, { description: 'Why it ended as an exception; only then, and always then.' }),
    ),
    authorization: Text({
      minLength: 1,
      description:
        'The `Authorization` header that this report would have by itself: signed by Hawk with the credentials of the ' +
        'claim, for `reportCompleted`, `reportFailed` or `reportException` of this run at this server, without the ' +
        'hash of a body.',
    }),
  },
  { title: 'A report in a list' },
);
export type RunReport = Static<typeof RunReport>;

export const ReportRunsRequest = exactly(
  { reports: Type.Array(RunReport, { minItems: 1, maxItems: reportsMax }) },
  { title: 'Reports of many runs' },
);
export type ReportRunsRequest = Static<typeof ReportRunsRequest>;
export const reportRunsRequest = publish('queue', 'report-runs-request', ReportRunsRequest);

/** Why one of many was refused. */
export const Refusal = exactly(
  {
    statusCode: Type.Integer({ description: 'The HTTP status that it would have had alone.' }),
    code: Text(),
    message: Text(),
  },
  { description: 'Why it was refused; it changed nothing.' },
);

export const ReportRunsResponse = exactly(
  {
    reports: Type.Array(
      exactly({
        ...ofRun,
        status: Optional(TaskStatus),
        error: Optional(Refusal),
      }),
      { description: 'One for each report, in the order of the request: either a status or an error.' },
    ),
  },
  { title: 'Answers to reports' },
);
export type ReportRunsResponse = Static<typeof ReportRunsResponse>;
export const reportRunsResponse = publish('queue', 'report-runs-response', ReportRunsResponse);
