/** The states of tasks, in the order of their lives. */
export const taskStates = ['unscheduled', 'pending', 'running', 'completed', 'failed', 'exception'] as const;
export type TaskState = (typeof taskStates)[number];

const signs: Readonly<Record<TaskState, string>> = {
  unscheduled: '○',
  pending: '◔',
  running: '▶',
  completed: '✓',
  failed: '✗',
  exception: '!',
};

/** A state by word, sign and colour. */
export const StateMark = ({ state, reason }: { state: TaskState; reason?: string | undefined }) => (
  <span className={`state state-${state}`}>
    <span aria-hidden="true">{signs[state]}</span> {state}
    {reason && reason !== state ? `: ${reason}` : ''}
  </span>
);

/** How many tasks are in each state, as a bar; the words stand beside it. */
export const StateBar = ({ counts }: { counts: Readonly<Record<string, number>> }) => {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const present = taskStates.filter((state) => counts[state]);
  const words = present.map((state) => `${counts[state]} ${state}`).join(', ');
  return (
    <div className="state-bar" role="img" aria-label={words || 'no tasks'} title={words}>
      {[...present].reverse().map((state) => (
        <span
          key={state}
          className={`fill-${state}`}
          style={{ width: `${((counts[state] ?? 0) / total) * 100}%` }}
        />
      ))}
    </div>
  );
};
