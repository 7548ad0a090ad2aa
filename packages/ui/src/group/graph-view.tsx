import '@xyflow/react/dist/style.css';
import dagre from '@dagrejs/dagre';
import { Text, useComputedColorScheme } from '@mantine/core';
import {
  Background,
  Controls,
  type Edge,
  Handle,
  MiniMap,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from '@xyflow/react';
import { useMemo } from 'react';
import { paths } from '../shell/paths.ts';
import { StateBar, StateMark, taskStates } from '../shell/state-mark.tsx';
import { useLink } from '../shell/use-link.ts';
import { boxesMax, type Cluster, clusteredGraph } from './clusters.ts';
import type { Line } from './lines.ts';

type BoxNode = Node<{ readonly cluster: Cluster; readonly onOpen: (cluster: Cluster) => void }, 'box'>;

const width = 220;
const height = 58;

/** The state that a box is painted in: the worst of its tasks'. */
const worstOf = ({ counts }: Cluster) =>
  (['failed', 'exception', 'running', 'pending', 'unscheduled', 'completed'] as const).find(
    (state) => counts[state],
  ) ?? taskStates[0];

const Box = ({ data: { cluster, onOpen } }: NodeProps<BoxNode>) => {
  const [only] = cluster.lines;
  return (
    <button
      type="button"
      className={`node state-${worstOf(cluster)}`}
      onClick={() => onOpen(cluster)}
      title={cluster.waitsForItself ? `${cluster.label} waits for itself` : cluster.label}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <div className="name">
        {cluster.label}
        {cluster.waitsForItself && ' ⟲ waits for itself'}
      </div>
      {cluster.lines.length === 1 && only ? (
        <StateMark state={only.state} />
      ) : (
        <StateBar counts={cluster.counts} />
      )}
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </button>
  );
};
const nodeTypes = { box: Box };

/** Where each box stands. Only who depends on whom matters, so the places stay while states change. */
const placesOf = (
  boxes: readonly string[],
  edges: readonly { from: string; to: string }[],
): Map<string, { x: number; y: number }> => {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 60 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const box of boxes) graph.setNode(box, { width, height });
  for (const { from, to } of edges) graph.setEdge(from, to);
  dagre.layout(graph);
  return new Map(
    boxes.map((box) => [box, { x: graph.node(box).x - width / 2, y: graph.node(box).y - height / 2 }]),
  );
};

/** Who depends on whom; with many tasks, those of one kind in one box. */
export const GraphView = ({
  lines,
  onSearch,
}: {
  lines: readonly Line[];
  onSearch: (words: string) => void;
}) => {
  const link = useLink();
  const colorMode = useComputedColorScheme('light');
  const graph = useMemo(() => clusteredGraph(lines), [lines]);
  const shape = JSON.stringify([graph.clusters.map(({ id }) => id), graph.edges]);
  const places = useMemo(() => {
    const [boxes, edges] = JSON.parse(shape) as [string[], { from: string; to: string }[]];
    return placesOf(boxes, edges);
  }, [shape]);
  const open = ({ id, lines: members }: Cluster) => {
    const [only] = members;
    if (members.length > 1) onSearch(id.replace(/#.*/, ''));
    else if (only) link(paths.task(only.taskId)).onClick(new MouseEvent('click') as never);
  };
  const nodes: BoxNode[] = graph.clusters.map((cluster) => ({
    id: cluster.id,
    type: 'box',
    position: places.get(cluster.id) ?? { x: 0, y: 0 },
    data: { cluster, onOpen: open },
  }));
  const edges: Edge[] = graph.edges.map(({ from, to }) => ({
    id: `${from}→${to}`,
    source: from,
    target: to,
  }));
  return (
    <>
      {graph.isClustered && (
        <Text size="sm" c="dimmed">
          More than {boxesMax} tasks: those whose names differ by numbers stand in one box. Filter to see
          fewer; open a box to list its tasks.
        </Text>
      )}
      <section className="graph" aria-label="Dependency graph">
        <ReactFlow
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          colorMode={colorMode}
          fitView
          minZoom={0.05}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          onlyRenderVisibleElements
        >
          <Background />
          <Controls showInteractive={false} />
          {nodes.length > 20 && <MiniMap pannable ariaLabel="Map of the graph" />}
        </ReactFlow>
      </section>
    </>
  );
};
