/** A duration for people: `3.2s`, `1m05s`, `2h07m`. */
export const durationText = (milliseconds: number): string => {
  const tenths = Math.max(0, Math.round(milliseconds / 100));
  if (tenths < 600) return `${(tenths / 10).toFixed(1)}s`;
  const seconds = Math.round(tenths / 10);
  const padded = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${padded(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${padded(Math.floor(seconds / 60) % 60)}m`;
};
