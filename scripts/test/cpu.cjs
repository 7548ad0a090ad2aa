// What a process and its descendants have computed, in seconds of a processor. It is loaded into the process of each
// test file before the file; at the end of the process it says what the file has computed.
const { appendFileSync, readFileSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

/** Linux shows times in hundredths of a second, whatever the clock of its kernel. */
const ticksPerSecond = 100;

/** What the descendants have computed that were waited for; 0 where the system does not tell. */
const childSeconds = () => {
  let stat;
  try {
    stat = readFileSync('/proc/self/stat', 'latin1');
  } catch {
    return 0;
  }
  // The name of the program comes second, in brackets, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // proc(5), cutime and cstime: the 16th and 17th field, where `fields` begins with the third.
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
};

/**
 * What this process has computed so far, and all its descendants that have ended and were waited for. A process that
 * outlives its parent is not among them, nor is any descendant where there is no /proc.
 */
const computedSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + childSeconds();
};

const record = process.env.TASKYARD_TEST_CPU_RECORD;

/** Appends what a test file has computed, and how long that took if its process does not tell. */
const recordFile = (file, cpuSeconds, seconds) => {
  if (record) appendFileSync(record, `${JSON.stringify({ file, cpuSeconds, seconds })}\n`);
};

module.exports = { computedSeconds, recordFile };

// The runner is given this as well; programs that a test starts inherit the variables only.
if (record && isMainThread && process.env.NODE_TEST_CONTEXT !== undefined)
  process.on('exit', () => recordFile(process.argv[1], computedSeconds()));
