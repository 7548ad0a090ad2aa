import type { Node } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import { lineAt, type Offence, type Source, visit } from './sources.ts';

const linesMax = 60;

const isBlankOrComment = (line: string): boolean => /^\s*(\/\/.*|\/?\*.*)?$/.test(line);

const codeLinesOf = (text: string): number =>
  text.split('\n').filter((line) => !isBlankOrComment(line)).length;

const isMarkup = (node: Node): boolean =>
  is.isJsxElement(node) || is.isJsxFragment(node) || is.isJsxSelfClosingElement(node);

const calledIn = ({ parent }: Node): string =>
  is.isCallExpression(parent) ? parent.expression.getText() : '';

/** `describe` only holds tests. */
const isOfDescribe = (node: Node): boolean => /^describe\b/.test(calledIn(node));

/** A test inside of another function is a function of its own, and so is a group of tests. */
const isOfTest = (node: Node): boolean =>
  is.isArrowFunction(node) && /^((\w+\.)?test|it|describe)$/.test(calledIn(node));

/**
 * How many lines of a body hold code. Lines that are empty or only a comment are left out, and so are markup, which is
 * read as a page is, and tests inside of a test.
 */
const codeLines = (body: Node): number => {
  let others = 0;
  const lookBelow = (node: Node): void => {
    node.forEachChild((child) => {
      if (isMarkup(child) || isOfTest(child)) others += codeLinesOf(child.getText()) - 1;
      else lookBelow(child);
    });
  };
  lookBelow(body);
  return codeLinesOf(body.getText()) - others;
};

const nameOf = (node: Node): string => {
  const { parent } = node;
  if (is.isFunctionDeclaration(node) || is.isMethodDeclaration(node))
    return node.name?.getText() ?? 'a function';
  if (is.isVariableDeclaration(parent) || is.isPropertyAssignment(parent)) return parent.name.getText();
  if (is.isCallExpression(parent)) return parent.getText().slice(0, 60).split('\n')[0] ?? '';
  return 'a function';
};

/** Functions with more than 60 lines of code. */
export const longFunctions = (sources: readonly Source[]): Offence[] =>
  sources.flatMap(({ path, text, tree }) => {
    const found: Offence[] = [];
    visit(tree, (node) => {
      if (!is.isFunctionLikeDeclaration(node) || isOfDescribe(node)) return;
      const { body } = node as { body?: Node };
      if (!body) return;
      const lines = codeLines(body);
      const start = node.getStart();
      if (lines > linesMax) found.push(`${path}:${lineAt(text, start)}: ${nameOf(node)} has ${lines} lines`);
    });
    return found;
  });
