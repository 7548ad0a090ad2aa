import { Anchor, Button, Group, Modal, ScrollArea, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ArtifactResponse, DownloadError, locateArtifact } from '@taskyard/client/browser';
import { useEffect, useState } from 'react';
import { api } from '../../session/api.ts';
import { Failure } from '../../shell/failure.tsx';
import { Listing } from '../../shell/listing.tsx';
import { Answer } from '../../shell/page.tsx';
import { paths } from '../../shell/paths.ts';
import { useLink } from '../../shell/use-link.ts';
import { useArtifacts } from '../queries.ts';

interface ArtifactRef {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
}

const [previewBytesMax, imageBytesMax] = [200 * 1024, 32 * 2 ** 20];
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

/** The first bytes of a body; whether there are more. */
const beginningOf = async (response: Response, max: number): Promise<{ blob: Blob; isWhole: boolean }> => {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let read = await reader?.read(); read?.value && length <= max; read = await reader?.read()) {
    pieces.push(read.value);
    length += read.value.length;
  }
  await reader?.cancel();
  return { blob: new Blob(pieces).slice(0, max), isWhole: length <= max };
};

/** An artifact's bytes as far as they are shown. Images go through a blob, since their place may not be loaded from. */
const readPreview = async (ref: ArtifactRef, type: string, signal: AbortSignal) => {
  const { url } = await locateArtifact((await api()).queue, ref, signal);
  const response = await fetch(url, { signal });
  if (!response.ok) throw new DownloadError(url, `HTTP status ${response.status}`, response.status);
  const { blob, isWhole } = await beginningOf(response, isImage(type) ? imageBytesMax : previewBytesMax);
  if (!isImage(type)) return { kind: 'text', text: await blob.text(), isWhole } as const;
  if (!isWhole) throw new Error(`The image is larger than ${bytesText(imageBytesMax)}: open it`);
  return { kind: 'image', blob: new Blob([blob], { type }) } as const;
};

/** An image of bytes that are here. */
const Picture = ({ blob, alt }: { blob: Blob; alt: string }) => {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url === undefined ? null : <img src={url} alt={alt} style={{ maxWidth: '100%' }} />;
};

const Preview = ({ artifact, type }: { artifact: ArtifactRef; type: string }) => {
  const preview = useQuery({
    queryKey: ['preview', artifact],
    queryFn: ({ signal }) => readPreview(artifact, type, signal),
  });
  if (preview.error) return <Failure error={preview.error} what="this artifact" />;
  if (!preview.data) return <Text>Loading…</Text>;
  if (preview.data.kind === 'image') return <Picture blob={preview.data.blob} alt={artifact.name} />;
  return (
    <ScrollArea.Autosize mah="60vh">
      <pre className="mono">{preview.data.text}</pre>
      {!preview.data.isWhole && (
        <Text size="sm">… these are its first {bytesText(previewBytesMax)}: open it to see all</Text>
      )}
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
          <Listing
            what="an artifact"
            columns={['Name', 'Size', 'Look']}
            nothing="No artifacts."
            rows={all.map((artifact) => ({
              key: artifact.name,
              cells: [
                <span key="name" className="mono">
                  {isLog(artifact) ? (
                    <Anchor {...link(paths.log(taskId, runId, artifact.name))}>{artifact.name}</Anchor>
                  ) : (
                    artifact.name
                  )}
                </span>,
                artifact.contentLength === undefined ? '' : bytesText(artifact.contentLength),
                <Group key="look" gap={4}>
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
                </Group>,
              ],
            }))}
          />
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
