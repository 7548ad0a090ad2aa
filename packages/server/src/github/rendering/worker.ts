import { policyOf, renderTaskclusterYml } from '@taskyard/taskcluster-yml';
import { describeMistake } from '@taskyard/taskcluster-yml/template';
import { slugid } from '../../base/index.ts';
import type { Reply, Request } from './requests.ts';

// A process of its own: files of repositories are untrusted programs.

const fileName = '.taskcluster.yml';
const mistakesMax = 50;

const answer = (request: Request): Reply => {
  const { text } = request;
  if (request.kind === 'policy') {
    const read = policyOf({ text, fileName });
    return 'policy' in read
      ? { text: JSON.stringify(read.policy) }
      : { mistakes: read.mistakes.map(describeMistake) };
  }
  const { context, taskSchema } = request;
  const rendered = renderTaskclusterYml({ text, fileName, context, slugid, taskSchema });
  if ('mistakes' in rendered)
    return { mistakes: rendered.mistakes.slice(0, mistakesMax).map(describeMistake) };
  const json = JSON.stringify(rendered);
  return json.length > request.charactersMax
    ? { mistakes: [`${fileName}:1:1: it renders to too much`] }
    : { text: json };
};

const answerSafely = (request: Request): Reply => {
  try {
    return answer(request);
  } catch (error) {
    return { mistakes: [`${fileName}:1:1: ${(error as Error).message}`] };
  }
};

process.on('message', (request: Request) => process.send?.(answerSafely(request)));
process.send?.('ready');
