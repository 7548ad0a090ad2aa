import type { OutsideRules } from '../engine.ts';
import { fromRoot, isWithin } from '../outside.ts';

// They are not of files.
const ofTheKernel = ['/dev', '/proc', '/sys'];

/** Absolute paths in containers. Mounts are shown at theirs; artifacts are copied out of the container that left them. */
export const containerOutside = ({ runs }: { readonly runs: string }): OutsideRules => ({
  refusal: ({ path, use }) => {
    const place = fromRoot(path);
    if (place === '/') return 'is the root of the container';
    if (use !== 'mount') return undefined;
    if (place.includes(':')) return 'has a colon, which no place of a container can have';
    if (ofTheKernel.some((one) => isWithin(place, one))) return "is one of the kernel's own";
    if (isWithin(place, runs) || isWithin(runs, place)) return 'holds a part of the worker itself';
    return undefined;
  },
  shownFor: (places) => {
    const mounts = new Set(places.filter(({ use }) => use === 'mount').map(({ path }) => fromRoot(path)));
    return [...mounts].filter((path) => ![...mounts].some((one) => one !== path && isWithin(path, one)));
  },
});
