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

const interruptionIn = (text: string): Notice => {
  const { time } = JSON.parse(text) as { time: string };
  return { kind: 'interruption', at: new Date(time) };
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
    const interruption = await metadata.read(interruptionPath);
    if (interruption !== undefined) {
      tell(interruptionIn(interruption));
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
