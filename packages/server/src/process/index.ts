export { backUp, restore } from './backup.ts';
export { type RunningServer, startServer } from './server.ts';
