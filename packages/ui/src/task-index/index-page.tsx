import { Anchor, Breadcrumbs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { api } from '../session/api.ts';
import { allPages } from '../shell/all-pages.ts';
import { Listing } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page, Section } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';

const useNamespace = (namespace: string) =>
  useQuery({
    queryKey: ['index', namespace],
    queryFn: async ({ signal }) => {
      const { index } = await api();
      const [namespaces, tasks, here] = await Promise.all([
        allPages(
          (continuationToken) => index.listNamespaces(namespace, { continuationToken, signal }),
          (page) => page.namespaces,
        ),
        allPages(
          (continuationToken) => index.listTasks(namespace, { continuationToken, signal }),
          (page) => page.tasks,
        ),
        namespace ? index.findTask(namespace, { signal }).catch(() => undefined) : undefined,
      ]);
      return { namespaces, tasks: here ? [here, ...tasks] : tasks };
    },
  });

/** `/tasks/index/<namespace>` */
export const IndexPage = () => {
  const { _splat: namespace = '' } = useParams({ strict: false });
  const link = useLink();
  const known = useNamespace(namespace);
  const words: string[] = namespace === '' ? [] : namespace.split('.');
  return (
    <Page kind={namespace ? 'Namespace of the index' : ''} title={namespace || 'Index'}>
      <Breadcrumbs separator=".">
        <Anchor {...link(paths.index(''))}>the root</Anchor>
        {words.map((word, i) => {
          const path = words.slice(0, i + 1).join('.');
          return (
            <Anchor key={path} {...link(paths.index(path))}>
              {word}
            </Anchor>
          );
        })}
      </Breadcrumbs>
      <Answer query={known} what="this namespace">
        {({ namespaces, tasks }) => (
          <>
            <Section title="Namespaces">
              <Listing
                what="a namespace"
                columns={['Name', 'Expires']}
                nothing="None."
                rows={namespaces.map((each) => ({
                  key: each.namespace,
                  cells: [
                    <Anchor key="name" {...link(paths.index(each.namespace))}>
                      {each.name}
                    </Anchor>,
                    <Moment key="expires" at={each.expires} />,
                  ],
                }))}
              />
            </Section>
            <Section title="Tasks">
              <Listing
                what="a task"
                columns={['Path', 'Task', 'Rank', 'Expires']}
                nothing="None."
                rows={tasks.map((each) => ({
                  key: each.namespace,
                  cells: [
                    each.namespace,
                    <Anchor key="task" {...link(paths.task(each.taskId))}>
                      {each.taskId}
                    </Anchor>,
                    each.rank,
                    <Moment key="expires" at={each.expires} />,
                  ],
                }))}
              />
            </Section>
          </>
        )}
      </Answer>
    </Page>
  );
};
