import {
  type Answer,
  type Batched,
  errorStatuses,
  isUnavailable,
  RequestError,
  refusalOf,
} from '../../base/index.ts';
import type { RequestHead } from '../../http/index.ts';
import type { Context } from '../context.ts';
import { statusText, type TaskRecord } from '../record.ts';
import type { RunReport } from '../schema/index.ts';
import type { Report } from './resolve-runs.ts';

/** Reports of many runs, and the headers of the request that brought them. */
export interface SignedReports {
  readonly reports: readonly RunReport[];
  readonly headers: RequestHead['headers'];
}

/**
 * Ends runs as a list of reports says. Each is held to its own signature and scopes, as if it had come alone; those that pass
 * are resolved together. Returns the JSON text of the reply, with one answer for each report.
 */
export const reportRuns = async (
  context: Context,
  resolveRuns: Batched<Report, TaskRecord>,
  { reports, headers }: SignedReports,
): Promise<string> => {
  const allowed: Answer<Report>[] = [];
  for (const report of reports) allowed.push(await allowedReport(context, report, headers).catch(refusalOf));
  const unproven = reports.filter((_, i) => isUnproven(allowed[i] as Answer<Report>));
  const [first] = unproven;
  if (first)
    context.log.warn(
      { taskId: first.taskId, runId: first.runId, reports: unproven.length },
      'signatures of reports in a list were refused',
    );
  const answers = await Promise.all(
    allowed.map((report) =>
      report instanceof RequestError
        ? report
        : resolveRuns.one(report).catch((error) => faultOf(context, report, error)),
    ),
  );
  return `{"reports":[${reports.map((report, i) => answerText(report, answers[i] as Answer<TaskRecord>)).join(',')}]}`;
};

/** What is answered to a report that could not be resolved. A fault of ours concerns no other; a database that is away, all. */
const faultOf = ({ log }: Context, { taskId, runId }: Report, error: unknown): RequestError => {
  if (error instanceof RequestError) return error;
  if (isUnavailable(error)) throw error;
  log.error({ err: error, taskId, runId }, 'a report in a list failed by a fault of the server');
  return new RequestError('InternalServerError', 'Something went wrong inside the server. Its log has more.');
};

const isUnproven = (report: Answer<Report>): boolean =>
  report instanceof RequestError && report.code === 'AuthenticationFailed';

/**
 * The report, if the credentials that signed it may resolve its run. The signature is that of the method for one report, so
 * it allows here what it allows there, and nothing else.
 */
const allowedReport = async (
  { authenticate }: Context,
  { taskId, runId, state, reason, authorization }: RunReport,
  headers: RequestHead['headers'],
): Promise<Report> => {
  const url = `/api/queue/v1/task/${taskId}/runs/${runId}/${state}`;
  if (/\bhash="/.test(authorization))
    throw new RequestError('AuthenticationFailed', 'The signature of a report in a list must have no hash.');
  const caller = await authenticate({ method: 'POST', url, headers: { ...headers, authorization } });
  const needed = `queue:resolve-task:${taskId}/${runId}`;
  if (!caller.satisfies(needed))
    throw new RequestError(
      'InsufficientScopes',
      `Client ID ${caller.clientId} signed this report and lacks the scope ${needed}.`,
    );
  if (state === 'exception' && reason) return { taskId, runId, end: state, reason };
  if (state !== 'exception' && !reason) return { taskId, runId, end: state };
  throw new RequestError(
    'InputValidationError',
    'A report has a reason if, and only if, the run ended as an exception.',
  );
};

const answerText = ({ taskId, runId }: RunReport, answer: Answer<TaskRecord>): string => {
  const result =
    answer instanceof RequestError
      ? `"error":${JSON.stringify({ statusCode: errorStatuses[answer.code], code: answer.code, message: answer.message })}`
      : `"status":${statusText(answer)}`;
  return `{"taskId":"${taskId}","runId":${runId},${result}}`;
};
