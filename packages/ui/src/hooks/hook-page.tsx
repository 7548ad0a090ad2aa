import { Anchor, Code } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { ApiError, type ListLastFiresResponse } from '@taskyard/client/browser';
import { api } from '../session/api.ts';
import { Confirmed } from '../shell/confirmed.tsx';
import { EditButton } from '../shell/edit-button.tsx';
import { Facts, Listing } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page, Section } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { StateMark } from '../shell/state-mark.tsx';
import { useLink } from '../shell/use-link.ts';

/** A hook that has never fired has no list of fires. */
const noFires = (error: unknown): ListLastFiresResponse => {
  if (error instanceof ApiError && error.statusCode === 404) return { lastFires: [] };
  throw error;
};

const useHook = (hookGroupId: string, hookId: string) =>
  useQuery({
    queryKey: ['hook', hookGroupId, hookId],
    queryFn: async ({ signal }) => {
      const { hooks } = await api();
      const [hook, status, { lastFires }] = await Promise.all([
        hooks.hook(hookGroupId, hookId, { signal }),
        hooks.getHookStatus(hookGroupId, hookId, { signal }),
        hooks.listLastFires(hookGroupId, hookId, { limit: 50, signal }).catch(noFires),
      ]);
      return { hook, status, lastFires };
    },
    refetchInterval: 10_000,
  });

/** `/hooks/<hookGroupId>/<hookId>` */
export const HookPage = () => {
  const { hookGroupId = '', hookId = '' } = useParams({ strict: false });
  const link = useLink();
  const known = useHook(hookGroupId, hookId);
  const fire = async () => {
    await (await api()).hooks.triggerHook(hookGroupId, hookId, {});
    await known.refetch();
  };
  return (
    <Page
      kind="Hook"
      title={`${hookGroupId}/${hookId}`}
      actions={
        <>
          {known.data && (
            <EditButton
              words="Edit"
              title="Change the hook"
              label="Hook"
              value={known.data.hook}
              save={async (edited) => {
                await (await api()).hooks.updateHook(hookGroupId, hookId, edited);
                await known.refetch();
              }}
            />
          )}
          <Confirmed
            label="Fire"
            question="Fire the hook now, with an empty payload?"
            run={fire}
            disabled={!known.data}
          />
        </>
      }
    >
      <Answer query={known} what="this hook">
        {({ hook, status, lastFires }) => (
          <>
            <Facts
              facts={[
                ['Name', hook.metadata.name],
                ['For', hook.metadata.description || 'not said'],
                ['Owner', hook.metadata.owner],
                ['Schedule', hook.schedule.join(', ') || 'none'],
                [
                  'Next',
                  status.nextScheduledDate ? (
                    <Moment key="next" at={status.nextScheduledDate} />
                  ) : (
                    'not by time'
                  ),
                ],
              ]}
            />
            <Section title="Fires, the latest first">
              <Listing
                what="a fire"
                columns={['When', 'By', 'Task', 'Result']}
                nothing="It has not fired yet."
                rows={lastFires.map(({ taskId, taskCreateTime, firedBy, result, error, taskState }) => ({
                  key: `${taskId} ${taskCreateTime}`,
                  cells: [
                    <Moment key="at" at={taskCreateTime} />,
                    firedBy,
                    <Anchor key="task" {...link(paths.task(taskId))}>
                      {taskId}
                    </Anchor>,
                    result === 'error' ? (
                      error
                    ) : taskState === 'unknown' ? (
                      'created'
                    ) : (
                      <StateMark key="state" state={taskState} />
                    ),
                  ],
                }))}
              />
            </Section>
            <details>
              <summary>Definition</summary>
              <Code block>{JSON.stringify(hook, null, 2)}</Code>
            </details>
          </>
        )}
      </Answer>
    </Page>
  );
};
