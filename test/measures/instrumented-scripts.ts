import type { InitializeHook, LoadHook } from 'node:module';

// Hooks of Node's module loader: scripts that are given here are loaded with other contents than their files have.

let scripts: Readonly<Record<string, string>> = {};

export const initialize: InitializeHook<typeof scripts> = (given) => {
  scripts = given;
};

export const load: LoadHook = (url, context, nextLoad) => {
  const source = scripts[url];
  return source === undefined ? nextLoad(url, context) : { format: 'module', source, shortCircuit: true };
};
