#!/usr/bin/env bash
# json-e 4.8.4 of npm (Node 20.20.2) and json-e 4.8.4 of PyPI (Python 3.11)
#
# The same template is rendered by one of them in a service and by the other in tools around it: GitHub's tasks by npm's, and by
# PyPI's where a project tests its .taskcluster.yml or renders hooks and actions. Where Python shows through they differ without
# an error: true and 1 are equal, and so are false and 0, also inside lists; `join` writes True; `number` reads an underscore
# between digits; whole numbers above 2^53 stay exact, and those from 1e21 on are written without an exponent.
# Only npm's takes 0x and an empty text for numbers, and units of `fromNow` in capitals: PyPI's ends with an error there. (That an
# even division is 3 on npm and 3.0 on PyPI is known.)
# Compare booleans with booleans, and keep identifiers of many digits in quotes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact json-e@4.8.4
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check json-e==4.8.4
cat >templates.json <<'JSON'
["${1 == true}", "${0 == false}", "${[1] == [true]}", "${true in [1]}", "${join([true, null == null], '-')}", "${str(true)}",
 "${number('1_000')}", "${number('0x10')}", "${number('')}", "${9007199254740993}", "${10 ** 21}", "${fromNow('1 DAY')}"]
JSON
cat >npm.cjs <<'JS'
const render = require('json-e');
for (const template of require('./templates.json')) {
  let said;
  try {
    said = JSON.stringify(render(template, { now: '2026-01-01T00:00:00.000Z' }));
  } catch {
    said = 'an error';
  }
  console.log(`${template}: ${said}`);
}
JS
cat >pypi.py <<'PY'
import json
import jsone

for template in json.load(open('templates.json')):
    try:
        said = json.dumps(jsone.render(template, {'now': '2026-01-01T00:00:00.000Z'}))
    except Exception:
        said = 'an error'
    print(f'{template}: {said}')
PY
paste -d '|' <(node npm.cjs) <(venv/bin/python pypi.py) | sed 's/|.*}: /, PyPI: /' | tee seen
diff seen - <<'WANTED'
${1 == true}: "false", PyPI: "true"
${0 == false}: "false", PyPI: "true"
${[1] == [true]}: "false", PyPI: "true"
${true in [1]}: "false", PyPI: "true"
${join([true, null == null], '-')}: "true-true", PyPI: "True-True"
${str(true)}: "true", PyPI: "true"
${number('1_000')}: "NaN", PyPI: "1000.0"
${number('0x10')}: "16", PyPI: an error
${number('')}: "0", PyPI: an error
${9007199254740993}: "9007199254740992", PyPI: "9007199254740993"
${10 ** 21}: "1e+21", PyPI: "1000000000000000000000"
${fromNow('1 DAY')}: "2026-01-02T00:00:00.000Z", PyPI: an error
WANTED
