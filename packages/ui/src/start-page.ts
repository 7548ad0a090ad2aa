/** What the start page tells. */
export interface StartPage {
  readonly version: string;
  /** The path that was asked for: `/`, `/tasks/<taskId>` or `/tasks/groups/<taskGroupId>`. */
  readonly path: string;
}

const style = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  main { max-width: 42rem; margin: 12vh auto; padding: 0 1.25rem; }
  h1 { font-size: 1.5rem; } code { font: 0.95em ui-monospace, monospace; }
  pre { overflow-x: auto; padding: 0.75rem 1rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent);
    border-radius: 6px; }`;

const ids = {
  group: /^\/tasks\/groups\/([A-Za-z0-9_-]{22})(\/tasks)?\/?$/,
  task: /^\/tasks\/([A-Za-z0-9_-]{22})\/?$/,
};

/** Commands that show what the path is about. */
const commandsFor = (path: string): { heading: string; commands: string[] } => {
  const group = ids.group.exec(path)?.[1];
  if (group) {
    return {
      heading: `Task group ${group}`,
      commands: [`tyard group status ${group}`, `tyard group watch ${group}`],
    };
  }
  const task = ids.task.exec(path)?.[1];
  if (task) {
    return {
      heading: `Task ${task}`,
      commands: [`tyard task status ${task}`, `tyard task log --follow ${task}`],
    };
  }
  return { heading: 'Taskyard is running', commands: ['tyard run examples/packages/graph.yml'] };
};

/**
 * The page at `/` and at the addresses of tasks and groups: which commands show what was asked for, and where the API
 * describes itself. It holds nothing that needs signing in, and no script.
 */
export const startPage = ({ version, path }: StartPage): string => {
  const { heading, commands } = commandsFor(path);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${heading}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${heading}</h1>
<p>Look at it from the command line:</p>
<pre>${commands.join('\n')}</pre>
<p>The API describes itself in <a href="/references/manifest.json">the list of references</a>.
This is version ${version}.</p>
</main>
</body>
</html>
`;
};
