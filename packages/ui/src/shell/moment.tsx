import { useEffect, useState } from 'react';
import { agoText, durationText } from './times.ts';

/** The time, updated every second while the page is visible. */
export const useNow = (everyMs = 1000): Date => {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (!document.hidden) setNow(new Date());
    }, everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now;
};

/** A moment, as people say it; the exact time on hover. */
export const Moment = ({ at }: { at: string }) => {
  const now = useNow();
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {agoText(at, now)}
    </time>
  );
};

/** How long something took, or takes so far. */
export const Lasted = ({ from, to }: { from: string; to?: string | undefined }) => {
  const now = useNow();
  return <>{durationText((to ? new Date(to) : now).getTime() - new Date(from).getTime())}</>;
};
