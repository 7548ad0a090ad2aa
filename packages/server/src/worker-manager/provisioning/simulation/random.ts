/** Numbers from 0 up to 1. */
export type Random = () => number;

/** The same numbers for the same seed (xorshift of 32 bits: good enough for traces, not for secrets). */
export const seeded = (seed: number): Random => {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) | 0 || 1;
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 16; i++) random();
  return random;
};

/** Time until something that happens at random and on average every `mean`. */
export const exponential = (random: Random, mean: number): number => -mean * Math.log(1 - random());

const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Something like a duration: never negative, now and then much more than usual. */
export const logNormal = (random: Random, p50: number, p95: number): number =>
  p50 * Math.exp((normal(random) * Math.log(p95 / p50)) / 1.645);

/** How many of the things happen that happen `mean` times on average. */
export const poisson = (random: Random, mean: number): number => {
  let count = 0;
  for (let left = mean - exponential(random, 1); left > 0; left -= exponential(random, 1)) count += 1;
  return count;
};
