import * as service from '../service/index.ts';
import type { WorkerRef } from '../store/index.ts';
import type { Ground } from './index.ts';

/** What is done to the worker pools of a test, step by step; `ground` is asked each time, since it is opened later. */
export const stepsOn = (ground: () => Ground) => {
  const context = () => ground().context;
  return {
    decide: (workerPoolId: string) => service.provision(context(), { atOnce: [workerPoolId], limit: 100 }),
    launch: () => service.launchWorkers(context(), 'fake', 100),
    sweep: () => service.sweep(context(), 'fake', { isAtOnce: true }),
    workersOf: async (workerPoolId: string) => (await context().listWorkers({ workerPoolId })).workers,
    register: (ref: WorkerRef) =>
      context().registerWorker({
        ...ref,
        providerId: 'fake',
        workerIdentityProof: { token: 'me' },
      }),
    ordersFor: (workerPoolId: string) =>
      ground().fake.orders.filter((order) => order.workerPoolId === workerPoolId),
    machinesOf: (workerPoolId: string) =>
      [...ground().fake.machines.values()].filter((machine) => machine.workerPoolId === workerPoolId),
  };
};
