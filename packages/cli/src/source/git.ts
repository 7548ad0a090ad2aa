import { execFile } from 'node:child_process';

/** A failure of git, with its last lines; an `exitCode` of undefined means that git is missing. */
export class GitError extends Error {
  readonly exitCode: number | undefined;
  constructor(message: string, exitCode: number | undefined) {
    super(message);
    this.name = 'GitError';
    this.exitCode = exitCode;
  }
}

const outputBytesMax = 256 * 2 ** 20;

/** What git adds to every refusal of a server. */
const advice = ['Please make sure you have the correct access rights', 'and the repository exists.'];

/** The last two lines that say something: what the program in between said, such as ssh, and what git makes of it. */
const lastWordsOf = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !advice.includes(line))
    .slice(-2)
    .join(' ');

/** Runs git in a folder; returns its output. Throws a GitError. Git never prompts. */
export const git = (folder: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const command = ['-c', 'core.askPass=true', '-C', folder, ...args];
    const child = execFile('git', command, { maxBuffer: outputBytesMax }, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else if (error.code === 'ENOENT') reject(new GitError('git is not installed', undefined));
      else
        reject(
          new GitError(lastWordsOf(stderr) || error.message, typeof error.code === 'number' ? error.code : 1),
        );
    });
    child.stdin?.end();
  });
