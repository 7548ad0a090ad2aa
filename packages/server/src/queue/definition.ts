import { days, later, minutes, RequestError, requireDate } from '../base/index.ts';
import { scopesBytesMax } from '../http/index.ts';
import type { TaskRecord } from './record.ts';
import { type FilledTaskRequest, priorities, type TaskDefinition } from './schema/index.ts';

/** The settings of an operator for tasks. */
export interface DefinitionLimits {
  readonly deadlineDaysMax: number;
  readonly dependenciesMax: number;
}

/** A task as it will be stored. */
export interface NewTask {
  readonly record: TaskRecord;
  readonly definition: TaskDefinition;
  /** The definition as JSON text, without the priority. */
  readonly stored: string;
}

const skewMs = minutes(15);

const refuse = (message: string): never => {
  throw new RequestError('InputError', message);
};

/** A date in a request. What lasts longer than the task, by a year at most, needs a date too. */
const taskDate = (field: string, text: string): Date => {
  const date = requireDate(text, field);
  const isUsable = date.getTime() >= 0 && date.getTime() < Date.UTC(9999, 0);
  return isUsable ? date : refuse(`${field} must be in the years 1970 to 9998; it is ${text}.`);
};

/** Routes become routing keys and are stored in a text column, which cannot contain some characters. */
const checkRoutes = (routes: readonly string[]): void => {
  const broken = routes.find((route) => /[\0\p{Surrogate}]/u.test(route));
  if (broken !== undefined) refuse(`routes: ${JSON.stringify(broken)} holds a character that is none.`);
};

/** The task queue that a request names, in either of the two ways. */
const taskQueueOf = ({ taskQueueId, provisionerId, workerType }: FilledTaskRequest): string => {
  const named = provisionerId && workerType ? `${provisionerId}/${workerType}` : undefined;
  if (!taskQueueId && !named) refuse('Give taskQueueId, or both provisionerId and workerType.');
  if (taskQueueId && named && taskQueueId !== named) {
    refuse(`taskQueueId ${taskQueueId} does not agree with provisionerId and workerType (${named}).`);
  }
  if (taskQueueId && !named && (provisionerId ?? workerType)) {
    const [provisioner, type] = taskQueueId.split('/');
    const agrees = (provisionerId ?? provisioner) === provisioner && (workerType ?? type) === type;
    if (!agrees) refuse(`taskQueueId ${taskQueueId} does not agree with provisionerId or workerType.`);
  }
  return (taskQueueId ?? named) as string;
};

const aYearAfter = (date: Date): Date => {
  const next = new Date(date);
  next.setUTCFullYear(next.getUTCFullYear() + 1);
  return next;
};

const checkTimes = (
  times: { created: Date; deadline: Date; expires: Date },
  now: Date,
  deadlineDaysMax: number,
) => {
  const { created, deadline, expires } = times;
  if (Math.abs(created.getTime() - now.getTime()) > skewMs) {
    refuse(`created must lie within 15 minutes of now (${now.toJSON()}); it is ${created.toJSON()}.`);
  }
  if (created > deadline) refuse('deadline must not lie before created.');
  if (deadline < now) refuse(`deadline must not lie in the past; it is ${deadline.toJSON()}.`);
  if (deadline > later(now, days(deadlineDaysMax) + skewMs)) {
    refuse(`deadline must not be more than ${deadlineDaysMax} days away; it is ${deadline.toJSON()}.`);
  }
  if (expires < deadline) refuse('expires must not lie before deadline.');
};

/** The values that fill in the scopes of `createTask`. */
export const scopeValues = (request: FilledTaskRequest) => {
  const taskQueueId = taskQueueOf(request);
  const [provisionerId, workerType] = taskQueueId.split('/') as [string, string];
  return {
    scopes: request.scopes,
    routes: request.routes,
    projectId: request.projectId,
    schedulerId: request.schedulerId,
    provisionerId,
    workerType,
    // A scope for a priority covers the lower ones too.
    priorities: priorities.slice(0, priorities.indexOf(request.priority) + 1),
  };
};

/** Checks a request that fits its schema, and fills in what depends on other fields. Throws InputError. */
export const newTask = (
  taskId: string,
  request: FilledTaskRequest,
  { limits, now }: { limits: DefinitionLimits; now: Date },
): NewTask => {
  const taskQueueId = taskQueueOf(request);
  const [provisionerId, workerType] = taskQueueId.split('/') as [string, string];
  if (request.dependencies.length > limits.dependenciesMax) {
    refuse(
      `dependencies has ${request.dependencies.length} entries; at most ${limits.dependenciesMax} are allowed.`,
    );
  }
  const deadline = taskDate('deadline', request.deadline);
  const created = taskDate('created', request.created);
  const expires = request.expires ? taskDate('expires', request.expires) : aYearAfter(deadline);
  checkTimes({ created, deadline, expires }, now, limits.deadlineDaysMax);
  checkRoutes(request.routes);
  const broad = request.scopes.find((scope) => scope.endsWith('**'));
  // Claims contain the scopes, and a task sends the credentials of its claim with every request.
  const scopesBytes = JSON.stringify(request.scopes).length;
  if (scopesBytes > scopesBytesMax)
    refuse(`scopes may have ${scopesBytesMax} bytes as JSON text at most; these have ${scopesBytes}.`);
  if (broad !== undefined) refuse(`scopes: '${broad}' ends with **; one star is as good.`);
  const { priority, ...rest } = request;
  const definition = {
    ...rest,
    taskQueueId,
    provisionerId,
    workerType,
    taskGroupId: request.taskGroupId ?? taskId,
    created: created.toJSON(),
    deadline: deadline.toJSON(),
    expires: expires.toJSON(),
  };
  const record: TaskRecord = {
    taskId,
    taskQueueId,
    schedulerId: definition.schedulerId,
    projectId: definition.projectId,
    taskGroupId: definition.taskGroupId,
    deadline,
    expires,
    retries: definition.retries,
    tags: JSON.stringify(definition.tags),
    routes: definition.routes,
    priority: priorities.indexOf(priority),
    retriesLeft: definition.retries,
    position: null,
    runs: [],
  };
  return { record, definition: { ...definition, priority }, stored: JSON.stringify(definition) };
};
