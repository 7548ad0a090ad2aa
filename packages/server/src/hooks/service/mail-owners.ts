import { type Answer, RequestError, type Transaction } from '../../base/index.ts';
import type { Context } from '../context.ts';
import type { HookDefinition } from '../schema.ts';
import type { Fired } from './fire-hooks.ts';
import { nameOf } from './naming.ts';
import type { Fire } from './prepare-fire.ts';

/** Mails errors to the owners who want that, in the transaction of fires that no caller waits for. */
export const mailOwners = async (
  context: Pick<Context, 'email'>,
  tx: Transaction,
  { fires, answers }: { fires: readonly Fire[]; answers: readonly Answer<Fired>[] },
): Promise<void> => {
  const mails = fires.flatMap((fire, i) => {
    const answer = answers[i];
    const { owner, emailOnError } = JSON.parse(fire.hook.metadata) as HookDefinition['metadata'];
    return answer instanceof RequestError && emailOnError !== false ? [mailOf(fire, owner, answer)] : [];
  });
  if (mails.length > 0) await context.email(tx, mails);
};

const mailOf = ({ hook, firedBy, taskId, at }: Fire, address: string, error: RequestError) => ({
  address,
  subject: `The hook ${nameOf(hook)} could not create its task`,
  content: [
    `The hook \`${nameOf(hook)}\` fired (${firedBy}, ${at.toJSON()}), and its task \`${taskId}\` was refused:`,
    error.message
      .split('\n')
      .map((line) => `    ${line}`)
      .join('\n'),
    'You get this mail because you are the owner of the hook. Set `emailOnError` in its metadata to `false` to get none.',
  ].join('\n\n'),
});
