export { spotMarket, spotTrace, steadyTrace, workingDayTrace } from './generate.ts';
export type { Outcome } from './outcome.ts';
export { plot } from './plot.ts';
export { seeded } from './random.ts';
export { readSetup, type Setup } from './setup.ts';
export { compare, type Simulation, simulate } from './simulate.ts';
export {
  type MarketChange,
  marketText,
  readMarket,
  readTrace,
  type Trace,
  TraceError,
  traceText,
} from './trace.ts';
