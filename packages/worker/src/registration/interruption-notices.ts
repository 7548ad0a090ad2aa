import { type Clock, seconds } from '../clock.ts';
import { messageOf, type WorkerLog } from '../worker-log.ts';
import type { InstanceMetadata } from './instance-metadata.ts';

/** The notices of a cloud about an instance that it may take back. */
export type Notice =
  /** It will be taken at this time. */
  | { readonly kind: 'interruption'; readonly at: Date }
  /** It may be reclaimed soon, so another machine would be safer. */
  | { readonly kind: 'rebalance' };

// As the cloud itself recommends: a notice comes two minutes before the end.
const lookAgainMs = seconds(5);

const interruptionPath = 'meta-data/spot/instance-action';
const rebalancePath = 'meta-data/events/recommendations/rebalance';

/** The interruption that a text announces. Anything that does not say when is no notice. */
const interruptionIn = (text: string): Notice | undefined => {
  const { time } = readObject(text) as { readonly time?: unknown };
  const at = new Date(typeof time === 'string' ? time : Number.NaN);
  return Number.isNaN(at.getTime()) ? undefined : { kind: 'interruption', at };
};

const readObject = (text: string): object => {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
};

/** Reports each kind of notice once, as soon as it is in the metadata. Ends with the signal. */
export const followNotices = (
  metadata: InstanceMetadata,
  {
    clock,
    log,
    signal,
    tell,
  }: { clock: Clock; log: WorkerLog; signal: AbortSignal; tell(notice: Notice): void },
): void => {
  let isToldOfRebalance = false;
  let isSilent = false;
  /** Returns whether there is nothing more to come. */
  const look = async (): Promise<boolean> => {
    const text = await metadata.read(interruptionPath);
    const interruption = text === undefined ? undefined : interruptionIn(text);
    if (interruption) {
      tell(interruption);
      return true;
    }
    if (!isToldOfRebalance && (await metadata.read(rebalancePath)) !== undefined) {
      isToldOfRebalance = true;
      tell({ kind: 'rebalance' });
    }
    return false;
  };
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        if (await look()) return;
        isSilent = false;
      } catch (error) {
        if (!isSilent)
          log.warn({ error: messageOf(error) }, 'the cloud does not say whether it takes this machine');
        isSilent = true;
      }
      await clock.sleep(lookAgainMs, signal);
    }
  };
  void follow();
};
