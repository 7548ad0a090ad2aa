export { nextTime } from './next.ts';
export { type Pattern, patternIn } from './pattern.ts';
