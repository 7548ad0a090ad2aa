export { startTaskProxy, type TaskProxy } from './proxy.ts';
