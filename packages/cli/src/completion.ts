import { Argument, Command } from 'commander';
import { commandName } from './command-name.ts';
import { type Io, say } from './io.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** The words that can follow a chain of commands: names of commands, and options. */
const wordsAfter = (command: Command): string[] => [
  ...command
    .createHelp()
    .visibleCommands(command)
    .map((child) => child.name()),
  ...command.options.flatMap(({ long }) => (long ? [long] : [])),
  '--help',
];

/** Each chain of commands, such as `task log`, with the words that may follow it. */
const chainsOf = (command: Command, chain: readonly string[] = []): [chain: string, words: string[]][] => [
  [chain.join(' '), wordsAfter(command)],
  ...command.commands.flatMap((child) => chainsOf(child, [...chain, child.name()])),
];

const cases = (program: Command): string =>
  chainsOf(program)
    .map(([chain, words]) => `    '${chain}') words='${words.join(' ')}' ;;`)
    .join('\n');

// The longest chain of words that names a command decides; options among them are skipped.
const bashScript = (program: Command): string => `_taskyard() {
  local chain='' words='' word at
  _taskyard_words() {
    case "$1" in
${cases(program)}
    *) return 1 ;;
    esac
  }
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    if _taskyard_words "\${chain:+$chain }$word"; then chain="\${chain:+$chain }$word"; fi
  done
  _taskyard_words "$chain"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _taskyard ${commandName}`;

const zshScript = (program: Command): string =>
  `autoload -U +X bashcompinit && bashcompinit\n${bashScript(program)}`;

const fishLines = (program: Command): string[] =>
  chainsOf(program).flatMap(([chain, words]) => {
    const names = chain === '' ? [] : chain.split(' ');
    const isHere =
      names.length === 0
        ? '__fish_use_subcommand'
        : names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ');
    return words.map((word) =>
      word.startsWith('--')
        ? `complete -c ${commandName} -n '${isHere}' -l ${word.slice(2)}`
        : `complete -c ${commandName} -f -n '${isHere}' -a ${word}`,
    );
  });

const scripts: Readonly<Record<Shell, (program: Command) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: (program) => fishLines(program).join('\n'),
};

/** `taskyard completion <shell>`: generated from the commands. */
export const completionCommand = (io: Io, program: Command): Command =>
  new Command('completion')
    .description('Print a script that completes commands and options: source it in your shell.')
    .addArgument(new Argument('<shell>').choices(shells))
    .action((shell: Shell) => say(io, scripts[shell](program)));
