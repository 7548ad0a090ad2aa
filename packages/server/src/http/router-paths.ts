import type { Contract } from './contract.ts';

/**
 * The router's spellings of a published path. A parameter that may hold slashes is the rest of the path when it comes
 * last. Elsewhere it is matched percent-encoded and, since such ids have two parts, as two segments.
 */
export const routerPaths = (contract: Contract): string[] =>
  // With and without a slash at the end, since clients add or strip it. A parameter for the rest of a path keeps its own.
  spellings(contract).flatMap((path) =>
    path.endsWith('*') ? [path] : [path.replace(/\/$/, ''), `${path.replace(/\/$/, '')}/`],
  );

const spellings = ({ path, rest }: Contract): string[] => {
  const param = (name: string) => `:${name}`;
  const encoded = path.replace(/<([^>]+)>/g, (_, name: string) => param(name));
  if (!rest) return [encoded];
  if (path.endsWith(`<${rest}>`)) return [encoded.replace(param(rest), '*')];
  return [encoded, encoded.replace(param(rest), `:${rest}_first/:${rest}_second`)];
};

/** The values of a path's parameters, by their published names, as the router has found them in one of the spellings. */
export const pathValues = ({ rest }: Contract, given: Record<string, string>): Record<string, string> => {
  if (!rest || rest in given) return given;
  const { '*': tail, [`${rest}_first`]: first, [`${rest}_second`]: second, ...others } = given;
  return { ...others, [rest]: tail ?? `${first}/${second}` };
};
