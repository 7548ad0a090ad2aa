import type { AuditEntry } from '../../auth/index.ts';
import {
  type Answer,
  type BaseContext,
  type Encryption,
  RequestError,
  type Signal,
  type Transaction,
} from '../../base/index.ts';
import type { Caller } from '../../http/index.ts';
import type { NotifyVerbs } from '../../notify/index.ts';
import type { QueueContext } from '../../queue/index.ts';
import type { HookRef } from '../events.ts';
import type { Rendering } from '../rendering/index.ts';

/** What hooks need from the floors below and from `app.ts`. */
export interface HooksDeps extends BaseContext {
  /** With what the queue's verbs over sets work. */
  readonly queue: QueueContext;
  readonly encryption: Encryption;
  /** What the names of our exchanges begin with on the broker. */
  readonly exchangePrefix: string;
  /** Woken after changes of hooks; shared between processes. */
  readonly changed: Signal;
  /** Somebody with just these scopes and what roles add to them. */
  callerFor(scopes: readonly string[]): Promise<Caller>;
  recordAudit(tx: Transaction, entries: readonly AuditEntry[]): Promise<void>;
  readonly email: NotifyVerbs['email'];
}

export interface Room extends HooksDeps {
  readonly rendering: Rendering;
  /** Woken when there are messages that fire hooks. */
  readonly arrived: Signal;
}

/** The name of a hook among others. */
export const nameOf = ({ hookGroupId, hookId }: HookRef): string => `${hookGroupId}/${hookId}`;

export const noSuchHook = (ref: HookRef): RequestError =>
  new RequestError('ResourceNotFound', `There is no hook ${nameOf(ref)}.`);

const isFine = <T>(answer: Answer<T>): answer is T => !(answer instanceof RequestError);

/** Goes on with those of a set that are not refused yet; an answer for each, in order. */
export const goOn = async <In, Out>(
  items: readonly Answer<In>[],
  run: (items: In[]) => Promise<Answer<Out>[]>,
): Promise<Answer<Out>[]> => {
  const fine = items.filter(isFine);
  const answers = fine.length > 0 ? await run(fine) : [];
  let next = 0;
  return items.map((item) => (isFine(item) ? (answers[next++] as Answer<Out>) : item));
};
