import { type Static, Type } from 'typebox';
import { ContinuationToken, DateTime, exactly, oneOf, publish, Slugid } from '../../http/index.ts';
import { LaunchConfigId } from './pools.ts';

const { Optional, String: Text } = Type;
const service = 'worker-manager';

/** What the provisioner decided, and why. The original has no such shape. */
export const ProvisioningDecision = exactly(
  {
    decisionId: Type.Integer({ minimum: 1, description: 'Later decisions have greater numbers.' }),
    decided: DateTime,
    times: Type.Integer({
      minimum: 1,
      description: 'How often in a row nothing was decided but to wait; 1 for everything else.',
    }),
    repeated: Optional(DateTime),
    action: oneOf(['launch', 'wait', 'may-leave', 'stay', 'terminate', 'drain', 'resume']),
    count: Type.Integer({ minimum: 0, description: 'Workers that it is about.' }),
    reason: Text({ description: 'A sentence for people.' }),
    launchConfigId: Optional(LaunchConfigId),
    workerGroup: Optional(Text()),
    workerId: Optional(Text()),
    token: Optional(Slugid),
    outcome: {
      ...oneOf(['open', 'done', 'partial', 'failed', 'abandoned']),
      description: 'The outcome; `open` while the provider has not answered.',
    },
    started: Optional(Type.Integer({ minimum: 0, description: 'Workers that were started.' })),
    trouble: Optional(Text({ description: 'What stood in the way.' })),
  },
  { title: 'Decision of the provisioner' },
);
export type ProvisioningDecision = Static<typeof ProvisioningDecision>;

export const provisioningDecisionList = publish(
  service,
  'provisioning-decision-list',
  exactly(
    { decisions: Type.Array(ProvisioningDecision), continuationToken: Optional(ContinuationToken) },
    { title: 'Page of decisions' },
  ),
);

export const poolSampleList = publish(
  service,
  'worker-pool-sample-list',
  exactly(
    {
      seconds: Type.Integer({ minimum: 1, description: 'Over how long a time each sample is a mean.' }),
      samples: Type.Array(
        exactly({
          begins: DateTime,
          workers: Type.Number({ description: 'Workers that exist, in whatever state.' }),
          running: Type.Number({ description: 'Workers that have registered and do not end.' }),
          idle: Type.Number({ description: 'Those of them that have no task.' }),
          usdPerHour: Optional(
            Type.Number({ description: 'The price of all workers; absent where one of them is not known.' }),
          ),
        }),
        { description: 'The oldest first.' },
      ),
    },
    { title: 'What a worker pool had and cost' },
  ),
);
