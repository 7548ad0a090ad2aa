import { alone, bindQueries, bindVerbs, inBatches, oneByOne } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as definitions from './definitions.ts';
import { fireDue, fireDueHooks, resetSlots } from './due.ts';
import { fireHooksByMessages, fireWaiting } from './messages.ts';
import * as reads from './reads.ts';
import { type Trigger, trigger, triggerHooks } from './trigger.ts';

export type { HookToSave } from './definitions.ts';
export { keepMessages } from './messages.ts';
export { renewTokens } from './renew-tokens.ts';
export type { Trigger } from './trigger.ts';

const verbs = {
  createHook: alone(oneByOne(definitions.createHook)),
  updateHook: alone(oneByOne(definitions.updateHook)),
  removeHook: alone(oneByOne(definitions.removeHook)),
  resetToken: alone(oneByOne(definitions.resetToken)),
  fireDueHooks: inBatches(fireDueHooks),
  resetSlots: inBatches(resetSlots),
  fireHooksByMessages: inBatches(fireHooksByMessages),
  triggerHooks: inBatches(triggerHooks),
};

const queries = {
  listGroups: reads.listGroups,
  listHooks: reads.listHooks,
  readHook: reads.readHook,
  readHookStatus: reads.readHookStatus,
  readHookBindings: reads.readHookBindings,
  listLastFires: reads.listLastFires,
  readToken: definitions.readToken,
};

/** The verbs of hooks, bound to what they were opened with. */
export const hookVerbs = (context: Context) => {
  const bound = bindVerbs(context, verbs);
  const { requireSound } = bindQueries(context, { requireSound: definitions.requireSound });
  return {
    ...bindQueries(context, queries),
    createHook: async (hook: definitions.HookToSave) => {
      await requireSound(hook);
      return bound.createHook.one(hook);
    },
    updateHook: async (hook: definitions.HookToSave) => {
      await requireSound(hook);
      return bound.updateHook.one(hook);
    },
    removeHook: bound.removeHook.one,
    resetToken: bound.resetToken.one,
    trigger: (call: Trigger) => trigger(context, bound.triggerHooks, call),
    /** Fires at most `limit` hooks whose time has come; returns how many, or how many slots it has reset, if those are more. */
    fireDue: (limit: number) =>
      fireDue(context, { fires: bound.fireDueHooks, resets: bound.resetSlots }, limit),
    /** Fires hooks for at most `limit` messages that wait; returns how many were dealt with. */
    fireWaiting: (limit: number) => fireWaiting(context, bound.fireHooksByMessages, limit),
  };
};

export type HookVerbs = ReturnType<typeof hookVerbs>;
