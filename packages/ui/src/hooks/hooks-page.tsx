import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { api } from '../session/api.ts';
import { EditButton } from '../shell/edit-button.tsx';
import { Listing } from '../shell/listing.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { publishedCheck } from '../shell/schema-check.ts';
import { useLink } from '../shell/use-link.ts';

/** A hook that fires when it is called, to begin with. */
const begin = () => ({
  metadata: { name: 'A new hook', description: '', owner: 'somebody@example.com' },
  schedule: [] as string[],
  triggerSchema: { type: 'object', additionalProperties: false },
  task: {
    taskQueueId: 'local/built-in',
    created: { $fromNow: '0 seconds' },
    deadline: { $fromNow: '1 hour' },
    payload: { command: [['echo', 'fired']], maxRunTime: 60 },
    metadata: {
      name: 'A task of the new hook',
      description: '',
      owner: 'somebody@example.com',
      source: 'https://example.com/',
    },
  },
});

const NewHook = () => {
  const router = useRouter();
  return (
    <EditButton
      words="New hook"
      title="Create a hook"
      label="Hook"
      nameLabel="Group and id, with a slash between them"
      value={begin()}
      loadCheck={() => publishedCheck('hooks/v1/create-hook-request')}
      save={async (hook, name) => {
        const at = name.indexOf('/');
        if (at < 1) throw new Error('A hook is named by its group, a slash and its id');
        const [group, id] = [name.slice(0, at), name.slice(at + 1)];
        await (await api()).hooks.createHook(group, id, hook);
        await router.navigate({ href: paths.hook(group, id) });
      }}
    />
  );
};

/** `/hooks` */
export const HooksPage = () => {
  const link = useLink();
  const hooks = useQuery({
    queryKey: ['hooks'],
    queryFn: async ({ signal }) => {
      const api_ = await api();
      const { groups } = await api_.hooks.listHookGroups({ signal });
      const lists = await Promise.all(groups.map((group) => api_.hooks.listHooks(group, { signal })));
      return lists.flatMap((list) => list.hooks);
    },
  });
  return (
    <Page title="Hooks" actions={<NewHook />}>
      <Answer query={hooks} what="hooks">
        {(all) => (
          <Listing
            what="a hook"
            columns={['Hook', 'Name', 'Fires']}
            nothing="There are no hooks."
            rows={all.map(({ hookGroupId, hookId, metadata, schedule, bindings = [] }) => ({
              key: `${hookGroupId}/${hookId} ${metadata.name}`,
              cells: [
                <Anchor key="id" {...link(paths.hook(hookGroupId, hookId))}>
                  {hookGroupId}/{hookId}
                </Anchor>,
                metadata.name,
                [
                  ...schedule,
                  ...(bindings.length > 0 ? [`by messages of ${bindings.length} kinds`] : []),
                  ...(schedule.length + bindings.length === 0 ? ['when it is called'] : []),
                ].join(', '),
              ],
            }))}
          />
        )}
      </Answer>
    </Page>
  );
};
