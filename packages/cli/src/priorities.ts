import type { ChangeTaskPriorityRequest } from '@taskyard/client';
import { Argument } from 'commander';

export type Priority = ChangeTaskPriorityRequest['newPriority'];

const priorities: readonly Priority[] = [
  'highest',
  'very-high',
  'high',
  'medium',
  'low',
  'very-low',
  'lowest',
];

/** The argument of commands that change a priority. */
export const priorityArgument = (): Argument => new Argument('<priority>').choices(priorities);
