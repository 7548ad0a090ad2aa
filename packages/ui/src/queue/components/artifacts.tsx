import { Anchor, Button, Group, Modal, ScrollArea, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ArtifactResponse, locateArtifact } from '@taskyard/client/browser';
import { useState } from 'react';
import { api } from '../../session/api.ts';
import { Failure } from '../../shell/failure.tsx';
import { Answer } from '../../shell/page.tsx';
import { paths } from '../../shell/paths.ts';
import { useLink } from '../../shell/use-link.ts';
import { useArtifacts } from '../queries.ts';

interface ArtifactRef {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
}

const previewBytesMax = 200_000;
const isText = (type: string): boolean => /^text\/|json|xml|yaml|javascript|x-sh/.test(type);
const isImage = (type: string): boolean => /^image\/(png|jpeg|gif|webp|svg\+xml)/.test(type);
const isLog = ({ name, contentType }: ArtifactResponse): boolean =>
  /(^|\/)logs?\/|\.log$/.test(name) && /^text\//.test(contentType);

const bytesText = (bytes: number): string =>
  bytes < 1024
    ? `${bytes} B`
    : bytes < 2 ** 20
      ? `${(bytes / 1024).toFixed(1)} KiB`
      : `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Opens an artifact beside this page, by a link that works for a while, and for anyone who has it. */
const openArtifact = async ({ taskId, runId, name }: ArtifactRef) => {
  const window_ = window.open('', '_blank');
  const { queue } = await api();
  const { url } = await locateArtifact(queue, { taskId, runId, name });
  if (window_) {
    window_.opener = null;
    window_.location.href = url;
  }
};

/** An artifact's bytes as far as they are shown. Images go through a blob, since their place may not be loaded from. */
const readPreview = async (ref: ArtifactRef, type: string, signal: AbortSignal) => {
  const { url } = await locateArtifact((await api()).queue, ref, signal);
  const response = await fetch(url, { signal });
  const blob = await response.blob();
  if (isImage(type)) return { kind: 'image', url: URL.createObjectURL(new Blob([blob], { type })) } as const;
  return { kind: 'text', text: await blob.slice(0, previewBytesMax).text(), size: blob.size } as const;
};

const Preview = ({ artifact, type }: { artifact: ArtifactRef; type: string }) => {
  const preview = useQuery({
    queryKey: ['preview', artifact],
    queryFn: ({ signal }) => readPreview(artifact, type, signal),
  });
  if (preview.error) return <Failure error={preview.error} what="this artifact" />;
  if (!preview.data) return <Text>Loading…</Text>;
  if (preview.data.kind === 'image')
    return <img src={preview.data.url} alt={artifact.name} style={{ maxWidth: '100%' }} />;
  return (
    <ScrollArea.Autosize mah="60vh">
      <pre className="mono">{preview.data.text}</pre>
      {preview.data.size > previewBytesMax && <Text size="sm">… {bytesText(preview.data.size)} in all</Text>}
    </ScrollArea.Autosize>
  );
};

/** What a run left behind. */
export const Artifacts = ({ taskId, runId }: { taskId: string; runId: number | undefined }) => {
  const artifacts = useArtifacts(taskId, runId);
  const link = useLink();
  const [shown, setShown] = useState<ArtifactResponse>();
  if (runId === undefined) return <Text c="dimmed">Nothing has run yet.</Text>;
  const ref = (name: string): ArtifactRef => ({ taskId, runId, name });
  return (
    <Answer query={artifacts} what="its artifacts">
      {(all) => (
        <Stack gap="xs">
          {all.length === 0 && <Text c="dimmed">It left nothing behind.</Text>}
          <Table>
            <Table.Tbody>
              {all.map((artifact) => (
                <Table.Tr key={artifact.name}>
                  <Table.Td className="mono">
                    {isLog(artifact) ? (
                      <Anchor {...link(paths.log(taskId, runId, artifact.name))}>{artifact.name}</Anchor>
                    ) : (
                      artifact.name
                    )}
                  </Table.Td>
                  <Table.Td>
                    {artifact.contentLength === undefined ? '' : bytesText(artifact.contentLength)}
                  </Table.Td>
                  <Table.Td>
                    <Group gap={4} justify="flex-end">
                      {(isText(artifact.contentType) || isImage(artifact.contentType)) && (
                        <Button size="compact-xs" variant="default" onClick={() => setShown(artifact)}>
                          Preview
                        </Button>
                      )}
                      <Button
                        size="compact-xs"
                        variant="default"
                        onClick={() => void openArtifact(ref(artifact.name))}
                      >
                        Open
                      </Button>
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          <Modal
            opened={shown !== undefined}
            onClose={() => setShown(undefined)}
            title={shown?.name}
            size="xl"
          >
            {shown && <Preview artifact={ref(shown.name)} type={shown.contentType} />}
          </Modal>
        </Stack>
      )}
    </Answer>
  );
};
