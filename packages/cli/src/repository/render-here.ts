import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { slugid } from '@taskyard/client';
import {
  type EventContext,
  type Rendering,
  renderTaskclusterYml,
  skipReason,
} from '@taskyard/taskcluster-yml';
import { type Fields, MistakesError } from '@taskyard/taskcluster-yml/template';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { loadServer } from '../load-server.ts';
import { localEvent } from './events.ts';
import { type GitState, readGitState } from './git-state.ts';
import type { EventKind } from './kinds.ts';

/** A file, and what the command line says about the event. */
export interface RenderingAsked {
  readonly file: string;
  readonly kind: EventKind;
  /** Over what the checkout tells of the event. */
  readonly given: Fields;
  /** Address of the server, as expressions see it. */
  readonly rootUrl: string;
}

/** A file with the event that it is to be rendered for. */
export interface PreparedHere {
  readonly file: string;
  readonly text: string;
  readonly state: GitState;
  readonly context: EventContext;
}

export interface RenderedHere extends PreparedHere {
  readonly rendering: Rendering;
}

const textOf = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: Error) => {
    throw new CommandError(exitCodes.usage, `${file} cannot be read: ${error.message}`);
  });

/** The queue's own schema of a task: mistakes are told before anything is started. */
const taskSchemaOf = async (): Promise<object | undefined> => {
  const { referenceDocuments } = await loadServer();
  const name = 'schemas/queue/v1/create-task-request.json';
  return referenceDocuments().find(({ filename }) => filename === name)?.content as object | undefined;
};

const reasons = {
  'branch-deleted': 'The branch or tag of the event has been deleted: it has no commit to run.',
  'skip-ci': 'The commit, or the title of the pull request, says [skip ci]: the event makes no tasks.',
};

/** Why an event makes nothing, whatever the file says; undefined for one that may make something. */
export const whySkipped = ({ context }: PreparedHere): string | undefined => {
  const reason = skipReason(context);
  return reason && reasons[reason];
};

/** Reads a file, and makes an event out of the checkout around it. */
export const prepareHere = async ({ file, kind, given, rootUrl }: RenderingAsked): Promise<PreparedHere> => {
  const text = await textOf(file);
  const state = await readGitState(dirname(resolve(file)));
  const { organization, repository } = state;
  const event = localEvent(kind, state, { given, slugid });
  const context = { ...event, rootUrl, organization, repository, now: new Date().toJSON() };
  return { file, text, state, context };
};

/** Renders the file for its event. Throws a MistakesError with all that is wrong. */
export const renderHere = async (prepared: PreparedHere): Promise<RenderedHere> => {
  const { text, file, context } = prepared;
  const taskSchema = await taskSchemaOf();
  const rendering = renderTaskclusterYml({ text, fileName: file, context, slugid, taskSchema });
  if ('mistakes' in rendering) throw new MistakesError(rendering.mistakes);
  return { ...prepared, rendering };
};
