import { type ArtifactRef, openArtifact, type Queue, type Views } from '@taskyard/client';
import * as z from 'zod';
import { harmless } from '../io.ts';
import { groupPage, taskPage } from '../pages.ts';
import { explain } from '../why.ts';
import { readLogLines } from './log-lines.ts';

/** The services that tools call. */
export interface Clients {
  readonly queue: Queue;
  readonly views: Views;
}

/** Something that an agent may do. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: z.ZodObject;
  readonly changes: boolean;
  /** The answer, as it becomes JSON. */
  readonly run: (clients: Clients, input: Record<string, unknown>) => Promise<unknown>;
}

/** Declares a tool, with its input by its shape. */
export const tool = <Input extends z.ZodObject>(
  declared: Omit<Tool, 'input' | 'run'> & {
    readonly input: Input;
    readonly run: (clients: Clients, input: z.infer<Input>) => Promise<unknown>;
  },
): Tool => declared as unknown as Tool;

export const taskId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{22}$/)
  .describe('The id of a task, 22 characters');
export const taskGroupId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{22}$/)
  .describe('The id of a task group, 22 characters');
const runId = z.number().int().min(0).optional().describe('The run, from 0; by default the latest');
const states = ['failed', 'exception', 'running', 'pending', 'unscheduled', 'completed'] as const;
const read = { changes: false } as const;
const artifactTextMax = 64 * 1024;
const artifactsMax = 500;

/** The first bytes of an artifact. */
const beginningOf = async (
  queue: Queue,
  ref: ArtifactRef,
): Promise<{ bytes: Uint8Array; isWhole: boolean }> => {
  const { response } = await openArtifact(queue, ref);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    pieces.push(piece);
    length += piece.length;
    if (length > artifactTextMax) break;
  }
  return { bytes: Buffer.concat(pieces).subarray(0, artifactTextMax), isWhole: length <= artifactTextMax };
};

const findGroups = tool({
  ...read,
  name: 'find_groups',
  title: 'Find task groups',
  description: 'Task groups, the newest first, with how many tasks are in each state.',
  input: z.object({
    name: z.string().optional().describe('A part of the name'),
    owner: z.string().optional().describe('The whole address of the owner'),
    failed: z.boolean().optional().describe('Only those in which something failed'),
    limit: z.number().int().min(1).max(100).default(20),
  }),
  run: async ({ views }, { name, owner, failed, limit }) => {
    const query = { limit: String(limit), ...(failed ? { failed: 'true' } : {}) };
    return views.listGroups({ ...query, ...(name ? { name } : {}), ...(owner ? { owner } : {}) });
  },
});

const group = tool({
  ...read,
  name: 'group',
  title: 'A task group',
  description:
    'How many tasks of a group are in each state, what it failed by, and the tasks by name, those that went wrong first, ' +
    'with what they depend on.',
  input: z.object({
    taskGroupId,
    state: z.enum(states).optional().describe('Only tasks in this state'),
    limit: z.number().int().min(1).max(500).default(100).describe('So many tasks at most'),
  }),
  run: async ({ queue, views }, { taskGroupId: id, state, limit }) => {
    const wanted = state === undefined ? {} : { state };
    const [head, { counts, fitting }, { found, isExact, causes }, { tasks }] = await Promise.all([
      queue.getTaskGroup(id),
      views.countGroupLines(id, wanted),
      views.listFirstCauses(id),
      views.selectGroupLines(id, { ...wanted, limit }),
    ]);
    const page = groupPage(queue.options.rootUrl, id);
    const firstCauses = {
      found,
      isExact,
      causes: causes.map(({ task: { taskId: of, name }, waiting }) => ({ taskId: of, name, waiting })),
    };
    return { ...head, page, counts, firstCauses, tasks, leftOut: Math.max(0, fitting - tasks.length) };
  },
});

const task = tool({
  ...read,
  name: 'task',
  title: 'A task',
  description: 'The definition of a task, its state and its runs.',
  input: z.object({ taskId }),
  run: async ({ queue }, { taskId: id }) => {
    const [definition, { status }] = await Promise.all([queue.task(id), queue.status(id)]);
    return { taskId: id, page: taskPage(queue.options.rootUrl, id), status, task: definition };
  },
});

const why = tool({
  ...read,
  name: 'why',
  title: 'Why a task or a group waits or failed',
  description:
    'Of a task: what it waits for, its place in the queue, or the lines of its log where the trouble begins. Of a group: ' +
    'what failed first, with those lines, and what waits for which reason. Begin here.',
  input: z.object({
    id: z
      .string()
      .regex(/^[A-Za-z0-9_-]{22}$/)
      .describe('The id of a task or of a group'),
    isGroup: z.boolean().default(false).describe('The group, where a task has the same id'),
  }),
  run: async (clients, { id, isGroup }) => {
    const found = await explain(clients, { id, isGroup });
    return found.task ?? found.group;
  },
});

const log = tool({
  ...read,
  name: 'log',
  title: 'Lines of a log',
  description:
    'Lines of the log of a run: those around the first error, or else the last ones; with `fromLine`, those from there on.',
  input: z.object({
    taskId,
    runId,
    fromLine: z.number().int().min(1).optional().describe('The number of the first line, from 1'),
    lines: z.number().int().min(1).max(500).default(100).describe('So many lines, with fromLine'),
  }),
  run: ({ queue }, wish) => readLogLines(queue, wish),
});

const artifacts = tool({
  ...read,
  name: 'artifacts',
  title: 'Artifacts of a task',
  description:
    'What a run left behind, by name, up to 500 at once: where there are more, the answer holds a `continuationToken`. With ' +
    '`name`, the beginning of that artifact as text.',
  input: z.object({
    taskId,
    runId,
    name: z.string().optional().describe('The artifact to read'),
    continuationToken: z.string().optional().describe('From the answer before, to list what follows'),
  }),
  run: async ({ queue }, { taskId: id, runId: run, name, continuationToken }) => {
    if (name === undefined) {
      const query = { limit: String(artifactsMax), ...(continuationToken ? { continuationToken } : {}) };
      return run === undefined ? queue.listLatestArtifacts(id, query) : queue.listArtifacts(id, run, query);
    }
    const { bytes, isWhole } = await beginningOf(queue, { taskId: id, runId: run, name });
    return { name, isWhole, text: harmless(new TextDecoder().decode(bytes)) };
  },
});

/** Reads that change nothing. */
export const readTools: readonly Tool[] = [why, findGroups, group, task, log, artifacts];
