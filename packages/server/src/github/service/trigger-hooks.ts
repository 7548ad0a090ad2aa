import { createHash } from 'node:crypto';
import { type EventContext, hookPayload, type Rendering } from '@taskyard/taskcluster-yml';
import { type Batched, RequestError } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { requireHookScope } from './authority.ts';
import type { HookBuild } from './create-builds.ts';
import type { Occasion } from './occasion.ts';

type Named = Rendering['hooks'][number];

/** Hooks of a file, and the event that they are triggered by. */
export interface HooksToTrigger {
  readonly delivery: HookBuild['delivery'];
  readonly occasion: Occasion;
  readonly rendered: Rendering;
  readonly context: EventContext;
}

/** The id of a hook's task: the same when the event is worked off once more, so that the hook is not triggered again. */
const taskIdFor = (eventId: string, { name }: Named, place: number): string => {
  const bytes = createHash('sha256').update(`${eventId} ${place} ${name}`).digest().subarray(0, 16);
  // The form of a version 4 UUID that does not begin with a hyphen, which is what ids of tasks are.
  bytes[0] = (bytes[0] as number) & 0x7f;
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('base64url');
};

const trigger = async (
  context: Context,
  hook: Named,
  { taskId, rendered, context: eventContext }: HooksToTrigger & { readonly taskId: string },
): Promise<string | undefined> => {
  const [hookGroupId = '', ...rest] = hook.name.split('/');
  const hookId = rest.join('/');
  await requireHookScope(context, rendered.scopes, hook.name);
  const payload = hookPayload(hook, { context: eventContext, taskId });
  const fired = await context.hooks.trigger({ hookGroupId, hookId, payload, by: { clientId: 'github' } });
  return fired.taskId;
};

/**
 * Triggers the hooks of a file one after the other; returns what went wrong with some of them, in words. A hook that asks
 * for no task leaves no build. Safe to repeat.
 */
export const triggerHooks = async (
  context: Context,
  builds: Batched<HookBuild, undefined>,
  asked: HooksToTrigger,
): Promise<string[]> => {
  const mistakes: string[] = [];
  const { delivery, occasion, rendered } = asked;
  for (const [place, hook] of rendered.hooks.entries()) {
    const taskId = taskIdFor(delivery.eventId, hook, place);
    try {
      const made = await trigger(context, hook, { ...asked, taskId });
      if (made !== undefined) await builds.one({ delivery, occasion, rendered, taskGroupId: made });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      mistakes.push(`hook "${hook.name}": ${error.message}`);
    }
  }
  return mistakes;
};
