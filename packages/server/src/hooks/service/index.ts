import type { HookRef } from '../events.ts';
import * as definitions from './definitions.ts';
import * as reads from './reads.ts';
import type { Room } from './room.ts';
import { createTrigger } from './trigger.ts';

export type { HookToSave } from './definitions.ts';
export { createDueFirer } from './due.ts';
export { createMessageFirer, keepMessages } from './messages.ts';
export { renewEncryption } from './renew-encryption.ts';
export type { HooksDeps, Room } from './room.ts';
export type { Trigger } from './trigger.ts';

/** The verbs of hooks. */
export type HookVerbs = ReturnType<typeof bindVerbs>;

/** Binds the verbs to what they need. */
export const bindVerbs = (room: Room) => ({
  listGroups: () => reads.listGroups(room.db),
  listHooks: (hookGroupId: string) => reads.listHooks(room.db, hookGroupId),
  readHook: (ref: HookRef) => reads.readHook(room.db, ref),
  readHookStatus: (ref: HookRef) => reads.readHookStatus(room.db, ref),
  listLastFires: (ref: HookRef, page: Parameters<typeof reads.listLastFires>[2]) =>
    reads.listLastFires(room.db, ref, page),
  createHook: (hook: definitions.HookToSave) => definitions.createHook(room, hook),
  updateHook: (hook: definitions.HookToSave) => definitions.updateHook(room, hook),
  removeHook: (hook: HookRef & { readonly clientId: string }) => definitions.removeHook(room, hook),
  readToken: (ref: HookRef) => definitions.readToken(room, ref),
  resetToken: (ref: HookRef) => definitions.resetToken(room, ref),
  trigger: createTrigger(room),
});
