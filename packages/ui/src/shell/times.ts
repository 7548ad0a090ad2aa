const steps = [
  [1000, 'ms'],
  [60, 's'],
  [60, 'min'],
  [24, 'h'],
  [Number.POSITIVE_INFINITY, 'd'],
] as const;

/** A length of time in its largest unit, and the next smaller one where that says more: `2 min 5 s`. */
export const durationText = (ms: number): string => {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  let rest = Math.round(ms / 1000);
  const parts: string[] = [];
  for (const [size, unit] of steps.slice(1)) {
    const value = size === Number.POSITIVE_INFINITY ? rest : rest % size;
    if (value > 0) parts.unshift(`${value} ${unit}`);
    rest = Math.floor(rest / size);
    if (rest === 0) break;
  }
  return parts.slice(0, 2).join(' ');
};

const yearMs = 365.25 * 86_400_000;

/** How long ago something was, or how soon it will be. */
export const agoText = (at: string | Date, now: Date): string => {
  const ms = now.getTime() - new Date(at).getTime();
  const size = Math.abs(ms);
  if (size < 1000) return 'now';
  const text =
    size < 2 * yearMs
      ? durationText(size).split(' ').slice(0, 2).join(' ')
      : `${Math.round(size / yearMs)} years`;
  return ms > 0 ? `${text} ago` : `in ${text}`;
};
