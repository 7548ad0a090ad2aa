export { backUp, restore } from './backup.ts';
export { type Cleaned, clean } from './clean.ts';
export { type Diagnosis, examine } from './doctor/index.ts';
export { type RunningServer, startServer } from './server.ts';
