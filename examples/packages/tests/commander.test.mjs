import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';

/** A program that throws instead of leaving the process, and keeps what it would print. */
const quiet = () => {
  /** @type {string[]} */
  const printed = [];
  const keep = (/** @type {string} */ text) => void printed.push(text);
  const program = new Command('tool').exitOverride().configureOutput({ writeOut: keep, writeErr: keep });
  return { program, printed };
};

const run = (/** @type {Command} */ program, /** @type {string} */ line) =>
  program.parse(line.split(' '), { from: 'user' });

describe('commander', () => {
  it('reads options, short and long, with and without values', () => {
    const { program } = quiet();
    program
      .option('-v, --verbose')
      .option('-p, --port <number>', 'where to listen', '80')
      .option('--no-color');
    run(program, '-v --port=8080 --no-color');
    assert.deepEqual(program.opts(), { verbose: true, port: '8080', color: false });
  });

  it('keeps defaults, and says where a value comes from', () => {
    const { program } = quiet();
    program.option('-p, --port <number>', 'where to listen', '80');
    program.parse([], { from: 'user' });
    assert.equal(program.opts().port, '80');
    assert.equal(program.getOptionValueSource('port'), 'default');
  });

  it('hands arguments to the action of a subcommand', async () => {
    const { program } = quiet();
    /** @type {unknown[]} */
    const calls = [];
    program.command('copy <from> [to...]').action((from, to) => void calls.push([from, to]));
    await program.parseAsync(['copy', 'a', 'b', 'c'], { from: 'user' });
    assert.deepEqual(calls, [['a', ['b', 'c']]]);
  });

  it('parses values by a function of ours', () => {
    const { program } = quiet();
    program.option('-n <count>', 'how many', (text) => {
      const count = Number(text);
      if (!Number.isInteger(count)) throw new InvalidArgumentError('Not a whole number.');
      return count;
    });
    run(program, '-n 3');
    assert.equal(program.opts().n, 3);
    assert.throws(() => run(program, '-n x'), { code: 'commander.invalidArgument' });
  });

  it('collects a variadic option', () => {
    const { program } = quiet();
    program.option('-i, --include <path...>');
    run(program, '-i a b -i c');
    assert.deepEqual(program.opts().include, ['a', 'b', 'c']);
  });

  it('refuses a value that is not among the choices', () => {
    const { program } = quiet();
    program.addOption(new Option('--size <size>').choices(['small', 'large']));
    program.addArgument(new Argument('[shape]').choices(['round', 'square']));
    assert.throws(() => run(program, '--size huge'), CommanderError);
    assert.throws(() => run(program, 'flat'), CommanderError);
  });

  it('reads options from the environment', () => {
    const { program } = quiet();
    process.env.TOOL_PORT = '99';
    program.addOption(new Option('--port <number>').env('TOOL_PORT'));
    program.parse([], { from: 'user' });
    assert.equal(program.opts().port, '99');
  });

  it('suggests the option that was meant', () => {
    const { program, printed } = quiet();
    program.option('--verbose');
    assert.throws(() => run(program, '--verbsoe'), { code: 'commander.unknownOption' });
    assert.match(printed.join(''), /Did you mean --verbose\?/);
  });

  it('lists subcommands in its help', () => {
    const { program } = quiet();
    program.description('does things').command('build').description('make it');
    const help = program.helpInformation();
    assert.match(help, /Usage: tool \[options\] \[command\]/);
    assert.match(help, /build\s+make it/);
  });

  it('refuses an option that conflicts with another', () => {
    const { program } = quiet();
    program.addOption(new Option('--json').conflicts('table')).option('--table');
    assert.throws(() => run(program, '--json --table'), { code: 'commander.conflictingOption' });
  });
});
