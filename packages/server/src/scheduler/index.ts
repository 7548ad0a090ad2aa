export { cycleIn, isSatisfiedBy, type RequiredTask, type Requires, type Resolution } from './lifecycle.ts';
export {
  continueRelease,
  type Dependent,
  deleteTasks,
  dependentsOf,
  recordDependencies,
  releaseDependents,
  unmetOf,
} from './service.ts';
