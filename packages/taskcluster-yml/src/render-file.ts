import { checkItems, checkTasks, labelOf } from './check.ts';
import { completeTasks } from './complete.ts';
import type { Items } from './item.ts';
import { policyIn } from './policy.ts';
import { type ReadFile, readFile } from './read.ts';
import { scopesFor, unspeakableName } from './scopes.ts';
import { type Fields, inFileOrder, type Mistake } from './template/index.ts';
import type { NamedHook, Refused, Rendering, RenderRequest } from './types.ts';
import { renderVersionOne } from './version-one.ts';
import { renderVersionZero } from './version-zero.ts';

const refused = (mistakes: readonly Mistake[]): Refused => ({ mistakes: inFileOrder(mistakes) });

const checkNames = ({ source }: ReadFile, { context }: RenderRequest): Mistake[] => {
  const name = unspeakableName(context);
  if (name === undefined) return [];
  const message = `the branch or tag ${JSON.stringify(name)} has a character that scopes cannot have: only printable ASCII is allowed`;
  return [source.mistake([], message)];
};

const itemsOf = (file: ReadFile, { context, slugid }: RenderRequest): Items =>
  file.version === 1 ? renderVersionOne(file, context, slugid) : renderVersionZero(file, context);

const hooksOf = ({ version, config }: ReadFile): NamedHook[] => {
  const hooks = version === 1 && Array.isArray(config.hooks) ? (config.hooks as Partial<NamedHook>[]) : [];
  return hooks.map(({ name = '', context = {} }) => ({ name, context }));
};

const headOf = ({ version, config }: ReadFile) => {
  const isChecked = version === 1 && config.reporting === 'checks-v1';
  return {
    route: isChecked ? ('checks' as const) : ('statuses' as const),
    ...(isChecked && { reporting: 'checks-v1' as const }),
    autoCancelPreviousChecks: config.autoCancelPreviousChecks !== false,
  };
};

/**
 * Renders a `.taskcluster.yml` for an event: the tasks to create and what to create them with, or all mistakes of the
 * file. A file without tasks for this event is right, and gives none.
 */
export const renderTaskclusterYml = (request: RenderRequest): Rendering | Refused => {
  const { file, mistakes: misshapen } = readFile(request);
  if (!file || misshapen.length > 0) return refused(misshapen);
  const { context, slugid, taskSchema } = request;
  const { version, source } = file;
  const head = headOf(file);
  const { items, mistakes } = itemsOf(file, request);
  const completed = completeTasks(items, { version, now: context.now, route: head.route, slugid });
  const { ordered, mistakes: wrong } = checkTasks(source, completed, taskSchema);
  const all = [...checkNames(file, request), ...mistakes, ...checkItems(source, items), ...wrong];
  if (all.length > 0) return refused(all);
  const [first] = completed;
  return {
    version,
    ...head,
    tasks: ordered.map((one) => ({
      taskId: one.taskId,
      task: one.task,
      label: labelOf(one),
      line: source.mistake(one.path, '').line,
    })),
    ...(first && { taskGroupId: String(first.task.taskGroupId) }),
    scopes: scopesFor({ context, route: head.route, version }),
    hooks: hooksOf(file),
    policy: policyIn(file),
  };
};

/** What a hook of a file is triggered with. The task that it makes has this taskId, which is that of a group too. */
export const hookPayload = (
  { context: own }: NamedHook,
  { context, taskId }: { readonly context: RenderRequest['context']; readonly taskId: string },
): Fields => ({
  context: own,
  event: context.event ?? {},
  now: context.now,
  taskcluster_root_url: context.rootUrl,
  tasks_for: context.tasksFor,
  taskId,
});
