/** Where a slash begins a regular expression: behind these it cannot divide. */
const beforeExpression = /(^|[(,=:[!&|?{};+\-*%<>~^]|=>|\b(?:return|typeof|case|of|in|await|yield))\s*$/;

/** The end of what begins at `from` and ends with `closer`; a backslash takes its neighbour along. */
const endOf = (source: string, from: number, closer: string): number => {
  for (let i = from; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source.startsWith(closer, i)) return i + closer.length;
  }
  return source.length;
};

/** The end of a regular expression that begins at `from`; in a class, a slash is a letter. */
const endOfExpression = (source: string, from: number): number => {
  let isInClass = false;
  for (let i = from + 1; i < source.length && source[i] !== '\n'; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === '[') isInClass = true;
    else if (source[i] === ']') isInClass = false;
    else if (source[i] === '/' && !isInClass) return i + 1;
  }
  return from + 1;
};

/** The end of a part of a template's text: its last backtick, or the beginning of what is filled in. */
const endOfTemplatePart = (source: string, from: number): number => {
  for (let i = from; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === '`') return i + 1;
    else if (source.startsWith('${', i)) return i + 2;
  }
  return source.length;
};

/** The end of the comment, string or regular expression that begins here; nothing where none does. */
const endOfText = (source: string, at: number, before: string): number | undefined => {
  const letter = source[at];
  if (source.startsWith('//', at)) return endOf(source, at, '\n') - 1;
  if (source.startsWith('/*', at)) return endOf(source, at + 2, '*/');
  if (letter === "'" || letter === '"') return endOf(source, at + 1, letter);
  if (letter === '/' && beforeExpression.test(before.slice(-40))) return endOfExpression(source, at);
  return undefined;
};

/**
 * TypeScript with its comments, strings and regular expressions blanked out; lines stay where they are. What is
 * filled into a template is code, and stays.
 */
export const withoutText = (source: string): string => {
  let code = '';
  let at = 0;
  const blank = (end: number): void => {
    code += source.slice(at, end).replace(/[^\n]/g, ' ');
    at = end;
  };
  /** For each template that is open: how many braces are open in what is filled in. */
  const templates: number[] = [];
  while (at < source.length) {
    const letter = source[at] as string;
    const depth = templates.at(-1);
    const end = endOfText(source, at, code);
    if (end !== undefined) blank(end);
    else if (letter === '`' || (letter === '}' && depth === 0)) {
      if (letter === '}') templates.pop();
      const partEnd = endOfTemplatePart(source, at + 1);
      if (source[partEnd - 1] === '{') templates.push(0);
      blank(partEnd);
    } else {
      if (depth !== undefined && letter === '{') templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && letter === '}') templates[templates.length - 1] = depth - 1;
      code += letter;
      at++;
    }
  }
  return code;
};
