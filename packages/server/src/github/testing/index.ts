export { type FakeCheckRun, type FakeGithub, fakeGithub } from './fake-github.ts';
export * as payloads from './payloads.ts';
export { type TestGithub, testGithub } from './platform.ts';
export { forgetNames, forgetNumbers, readDeliveries, readTasks } from './store.ts';
