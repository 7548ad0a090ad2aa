/** The seconds of waiting after which a run of a task queue gains one priority; undefined when it never does. */
export type Ageing = (taskQueueId: string) => number | undefined;

/** The pattern of a list of ageing rules: `project/*=600,other/linux=300`. */
export const ageingPattern = '^[A-Za-z0-9_/-]+\\*?=[1-9][0-9]{0,6}(,[A-Za-z0-9_/-]+\\*?=[1-9][0-9]{0,6})*$';

/** Reads a list of ageing rules. The first rule whose queue or prefix matches applies. */
export const readAgeing = (text: string | undefined): Ageing => {
  const rules = (text ?? '')
    .split(',')
    .filter((rule) => rule !== '')
    .map((rule) => {
      const [queue = '', seconds = ''] = rule.split('=');
      return { queue, seconds: Number(seconds) };
    });
  const fits = (queue: string, taskQueueId: string): boolean =>
    queue.endsWith('*') ? taskQueueId.startsWith(queue.slice(0, -1)) : taskQueueId === queue;
  return (taskQueueId) => rules.find(({ queue }) => fits(queue, taskQueueId))?.seconds;
};
