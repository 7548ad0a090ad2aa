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
import { publishedCheck } from '../shell/schema-check.ts';
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

type Known = NonNullable<ReturnType<typeof useHook>['data']>;

const HookFacts = ({ hook, status }: Known) => (
  <Facts
    facts={[
      ['Name', hook.metadata.name],
      ['For', hook.metadata.description || 'not said'],
      ['Owner', hook.metadata.owner],
      ['Schedule', hook.schedule.join(', ') || 'none'],
      [
        'Next',
        status.nextScheduledDate ? <Moment key="next" at={status.nextScheduledDate} /> : 'not by time',
      ],
    ]}
  />
);

const Result = ({ result, error, taskState }: Known['lastFires'][number]) => {
  if (result === 'error') return error;
  return taskState === 'unknown' ? 'created' : <StateMark state={taskState} />;
};

const Fires = ({ lastFires }: Known) => {
  const link = useLink();
  return (
    <Section title="Fires, the latest first">
      <Listing
        what="a fire"
        columns={['When', 'By', 'Task', 'Result']}
        nothing="It has not fired yet."
        rows={lastFires.map((fire) => ({
          key: `${fire.taskId} ${fire.taskCreateTime}`,
          cells: [
            <Moment key="at" at={fire.taskCreateTime} />,
            fire.firedBy,
            <Anchor key="task" {...link(paths.task(fire.taskId))}>
              {fire.taskId}
            </Anchor>,
            <Result key="result" {...fire} />,
          ],
        }))}
      />
    </Section>
  );
};

/** `/hooks/<hookGroupId>/<hookId>` */
export const HookPage = () => {
  const { hookGroupId = '', hookId = '' } = useParams({ strict: false });
  const known = useHook(hookGroupId, hookId);
  const fire = async () => {
    await (await api()).hooks.triggerHook(hookGroupId, hookId, {});
    await known.refetch();
  };
  const save = async (edited: Known['hook']) => {
    await (await api()).hooks.updateHook(hookGroupId, hookId, edited);
    await known.refetch();
  };
  const question = 'Fire the hook now, with an empty payload?';
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
              loadCheck={() => publishedCheck('hooks/v1/create-hook-request')}
              save={save}
            />
          )}
          <Confirmed label="Fire" question={question} run={fire} disabled={!known.data} />
        </>
      }
    >
      <Answer query={known} what="this hook">
        {(answer) => (
          <>
            <HookFacts {...answer} />
            <Fires {...answer} />
            <details>
              <summary>Definition</summary>
              <Code block>{JSON.stringify(answer.hook, null, 2)}</Code>
            </details>
          </>
        )}
      </Answer>
    </Page>
  );
};
